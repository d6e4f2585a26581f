"""Fetches a finished job's adapter: a tar archive, unpacked beside its place and moved there when whole."""

import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from services.cli.client import Client
from services.cli.failure import CommandFailed
from services.cli.terminal import Terminal
from shared.messages.message import say


class FolderNotWritable(CommandFailed):
    """The adapter can't be put where it was wanted."""


def download_adapter(
    client: Client,
    job_id: str,
    folder: Path,
    terminal: Terminal,
    *,
    step: int | None = None,
    names: str | None = None,
) -> list[str]:
    """Write the files of a job's adapter, or of its checkpoint of `step`, into `folder`; returns their names.

    The folder must be new or empty. `names`: those of its layers, where there are two kinds.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandFailed(say("folder-is-not-empty", folder=folder), say("name-new-folder"))
    parent = folder.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=parent) as scratch:
            archive = Path(scratch, "adapter.tar")
            _fetch(client, job_id, step, names, archive, terminal)
            unpacked = Path(scratch, "adapter")
            unpack(archive, unpacked)
            if folder.exists():
                folder.rmdir()
            unpacked.rename(folder)
    except OSError as error:
        raise FolderNotWritable(
            say("folder-not-written", folder=folder, error=error.strerror), say("name-folder-you-can-write")
        ) from error
    return sorted(path.name for path in folder.iterdir())


def _fetch(
    client: Client, job_id: str, step: int | None, names: str | None, archive: Path, terminal: Terminal
) -> None:
    with (
        client.adapter(job_id, step, names) as (size_bytes, pieces),
        archive.open("wb") as file,
        terminal.transfer(say("downloading-adapter-row", job=job_id), size_bytes) as transfer,
    ):
        for piece in pieces:
            file.write(piece)
            transfer.advance(len(piece))


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of the archive's one folder into `folder`; raises `CommandFailed` for anything else."""
    folder.mkdir()
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if not member.isfile() or len(name.parts) != 2 or ".." in name.parts or name.is_absolute():
                    raise CommandFailed(say("archive-has-stranger", name=member.name))
                content = tar.extractfile(member)
                assert content is not None
                with content, (folder / name.name).open("xb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError) as error:
        raise CommandFailed(say("archive-unreadable", error=str(error))) from error
