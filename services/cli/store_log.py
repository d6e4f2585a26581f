"""The embedded store's log on disk: whether it is what was written, and what was cut from it.

The store replays any log whose commands can be told apart, whatever their values say. So the supervisor seals
it: hashes of its files, piece by piece, which only bytes that changed since can break.
"""

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.cli.store import server_binary
from shared.durable import fsync_path

PIECE_BYTES = 1024**2
LOG_FOLDER = "appendonlydir"
_SEAL = "log-seal.json"
_MANIFEST = "appendonly.aof.manifest"
_LINE = re.compile(r"^file (\S+) seq \d+ type ([bih])", re.MULTILINE)
_COMMAND = re.compile(rb"\r\n\*\d+\r\n\$")
_OK_UP_TO = re.compile(r"ok_up_to=(\d+)")

Seal = dict[str, tuple[int, list[str]]]  # file → bytes, hashes of its pieces


@dataclass(frozen=True)
class LogState:
    """`cut_bytes` at the end of the last file are no whole change: the store leaves them out when it starts.

    `damaged` is the file with a change in the middle that can't be read, good up to `good_bytes`; `altered`
    names files whose bytes changed after they were sealed, with the first byte of each such piece.
    """

    cut_bytes: int = 0
    damaged: Path | None = None
    good_bytes: int = 0
    altered: tuple[tuple[Path, int], ...] = ()
    missing: tuple[Path, ...] = ()

    @property
    def is_whole(self) -> bool:
        return self.damaged is None and not self.altered and not self.missing


def log_state(store_folder: Path) -> LogState:
    """Read the whole log. A folder without one is an empty store, unless there are signs that there was one.

    Raises OSError.
    """
    if (manifest := _unsound_manifest(store_folder)) is not None:
        return LogState(missing=(manifest,))
    files = log_files(store_folder)
    missing = tuple(path for path in files if not path.is_file())
    if not files or missing:
        return LogState(missing=missing)
    altered = _altered(store_folder, files)
    damaged = _first_damage(files)
    if damaged is None:
        return LogState(altered=altered)
    path, good_bytes = damaged
    if path == files[-1] and _is_torn(path, good_bytes):
        return LogState(cut_bytes=path.stat().st_size - good_bytes, altered=altered)
    return LogState(damaged=path, good_bytes=good_bytes, altered=altered)


def log_files(store_folder: Path) -> list[Path]:
    """The log's files in the order in which they are replayed."""
    folder = store_folder / LOG_FOLDER
    try:
        manifest = (folder / _MANIFEST).read_text(errors="replace")
    except FileNotFoundError:
        return []
    found = _LINE.findall(manifest)
    return [folder / name for kind in "bi" for name, its_kind in found if its_kind == kind]


def _unsound_manifest(store_folder: Path) -> Path | None:
    """The list of the log's files, where it can't be read, or is gone while files or their seal remain.

    A store that was killed while it laid out its first log leaves files without a change in them.
    """
    path = store_folder / LOG_FOLDER / _MANIFEST
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        changes = path.parent.glob("*.incr.aof")
        was_there = bool(_seal_of(store_folder)) or any(file.stat().st_size for file in changes)
        return path if was_there else None
    named = [line for line in lines if line.strip() and not line.startswith("#")]
    return None if named and all(map(_LINE.match, named)) else path


def cut(state: LogState, store_folder: Path) -> int:
    """Take what can't be read, and all after it, out of the log; returns its bytes. The caller has a copy.

    Raises OSError.
    """
    if state.damaged is None:
        return 0
    files = log_files(store_folder)
    later = files[files.index(state.damaged) + 1 :]
    lost = state.damaged.stat().st_size - state.good_bytes + sum(path.stat().st_size for path in later)
    with state.damaged.open("r+b") as file:
        file.truncate(state.good_bytes)
        file.flush()
    fsync_path(state.damaged)
    for path in later:
        path.write_bytes(b"")
        fsync_path(path)
    return lost


def seal_log(store_folder: Path) -> None:
    """Note what the log is now. Only what is new, and the last pieces, are read. Raises OSError."""
    before, seal = _seal_of(store_folder), Seal()
    for path in log_files(store_folder):
        known = before.get(path.name, (0, []))[1]
        seal[path.name] = _hashed(path, known[:-2])  # a change that was torn, and cut, ended in one of them
    if seal != before:
        draft = store_folder / f".{_SEAL}.draft"
        draft.write_text(json.dumps(seal))
        draft.replace(store_folder / _SEAL)


def forget_seal(store_folder: Path) -> None:
    (store_folder / _SEAL).unlink(missing_ok=True)


def _hashed(path: Path, known: list[str]) -> tuple[int, list[str]]:
    hashes = list(known)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < len(hashes) * PIECE_BYTES:
            hashes = []
        file.seek(len(hashes) * PIECE_BYTES)
        done = file.tell()
        while done < size and (piece := file.read(min(PIECE_BYTES, size - done))):
            hashes.append(hashlib.sha256(piece).hexdigest())
            done += len(piece)
    return done, hashes


def _altered(store_folder: Path, files: list[Path]) -> tuple[tuple[Path, int], ...]:
    """Pieces of the log that are not as they were sealed; one that has become longer is compared in part."""
    seal, found = _seal_of(store_folder), []
    for path in files:
        size, hashes = seal.get(path.name, (0, []))
        with path.open("rb") as file:
            for number, hashed in enumerate(hashes):
                piece = file.read(min(PIECE_BYTES, size - number * PIECE_BYTES))
                is_shorter = number * PIECE_BYTES + len(piece) < min(size, (number + 1) * PIECE_BYTES)
                if is_shorter:  # the end was cut when the store last started, or was never brought to disk
                    break
                if hashlib.sha256(piece).hexdigest() != hashed:
                    found.append((path, number * PIECE_BYTES))
    return tuple(found)


def _seal_of(store_folder: Path) -> Seal:
    try:
        stored = json.loads((store_folder / _SEAL).read_bytes())
        return {name: (int(size), [str(one) for one in hashes]) for name, (size, hashes) in stored.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _first_damage(files: list[Path]) -> tuple[Path, int] | None:
    """The first file that the store's own check can't read to its end, and how far it is good."""
    for path in files:
        if path.stat().st_size == 0:
            continue
        words, executable = _check_words(path)
        checked = subprocess.run(
            words, executable=executable, capture_output=True, text=True, errors="replace"
        )
        if checked.returncode != 0:
            good = _OK_UP_TO.search(checked.stdout + checked.stderr)
            return path, int(good[1]) if good else 0
    return None


def _check_words(path: Path) -> tuple[list[str], str]:
    """The server's binary is also its two checks, under their names."""
    check = "valkey-check-rdb" if path.name.endswith(".rdb") else "valkey-check-aof"
    return [check, str(path)], str(server_binary())


def _is_torn(path: Path, good_bytes: int) -> bool:
    """Whether a log ends in the middle of a change that is well-formed as far as it goes."""
    with path.open("rb") as file:
        file.seek(good_bytes)
        rest = file.read()
    return _ends_early(rest)


def _ends_early(text: bytes) -> bool:
    """Whether `text` is whole commands of the store's protocol, the last of which lacks its end.

    Where a length is damaged, what seems to be the last command has others inside.
    """
    place: int | None = 0
    last = 0
    try:
        while place is not None and place < len(text):
            last, place = place, _after_command(text, place)
    except ValueError:
        return False
    return place is not None or not _COMMAND.search(text, last)


def _after_command(text: bytes, place: int) -> int | None:
    """Where the command at `place` ends; None where the text ends first. Raises ValueError for no command."""
    count, at = _length(text, place, b"*")
    for _ in range(count):
        if at is None:
            return None
        size, at = _length(text, at, b"$")
        if at is None or at + size + 2 > len(text):
            return None
        at += size + 2
        if text[at - 2 : at] != b"\r\n":
            raise ValueError(at)
    return at


def _length(text: bytes, place: int, sign: bytes) -> tuple[int, int | None]:
    """A length of the protocol at `place`, and the place after it; None where the text ends first."""
    if text[place : place + 1] not in (sign, b""):
        raise ValueError(place)
    end = text.find(b"\r\n", place)
    return (0, None) if end < 0 else (int(text[place + 1 : end]), end + 2)
