"""The safetensors copy of a model's `.bin` weights, which is what loads really read: whether it is whole."""

from collections.abc import Callable
from pathlib import Path

from services.worker.diagnosis.hashes import compare_hashes
from services.worker.failures import JobFailed
from services.worker.models.files.pickle_conversion import converted_folder
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.model_places import ModelFiles
from shared.messages.message import say
from shared.reports.model_files import ConvertedCopy, FileHash
from shared.sealed_folder import fault_in_sizes, manifest_of


def find_converted(files: ModelFiles, data_dir: Path) -> Path | None:
    """Where the copy of the model in `files` lies, once there is one; None where loads need none."""
    try:
        pickled = find_weights(files.folder).form == "bin"
    except JobFailed:
        return None
    return converted_folder(files.folder, files.name, data_dir) if pickled else None


def describe_converted(folder: Path) -> ConvertedCopy | None:
    """The copy by its files' sizes; None where there is none (yet)."""
    if manifest_of(folder) is None:
        return None
    sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    return ConvertedCopy(folder=str(folder), bytes=sum(sizes), problem=fault_in_sizes(folder))


def verify_converted(
    folder: Path,
    before: ConvertedCopy | None,
    *,
    read_seconds: Callable[[int], float | None],
    tick: Callable[[], None],
) -> tuple[ConvertedCopy | None, tuple[FileHash, ...]]:
    """The copy as it is now, its bytes compared as far as time allows, and the files that were not compared.

    `before` is how it was ahead of the trial load, which makes a copy anew that it finds damaged.
    """
    now = describe_converted(folder)
    if now is None or now.problem is not None:
        return now or before, ()
    weights = [path.name for path in folder.glob("*.safetensors")]
    compared = compare_hashes(folder, weights, read_seconds=read_seconds, tick=tick)
    wrong = next((file for file in compared if file.matches is False), None)
    if wrong is not None:
        problem = say("file-of-other-hash", file=folder / wrong.name)
        now = now.model_copy(update={"problem": problem})
    elif before is not None and before.problem is not None:
        now = now.model_copy(update={"problem": before.problem, "made_anew": True})
    unknown = [file for file in compared if file.matches is None]
    return now, tuple(file.model_copy(update={"name": f"{folder.name}/{file.name}"}) for file in unknown)
