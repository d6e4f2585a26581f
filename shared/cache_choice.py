"""The place that moves of the model cache chose: kept in the data folder, for the worker and the doctor."""

from pathlib import Path

from shared.durable import write_json_durably
from shared.messages.message import Message, say
from shared.schemas.frozen import Frozen
from shared.settings import OWN_CACHE, Settings

# Variables that earlier releases took the cache's folder from.
OLD_CACHE_FOLDERS = ("TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE", "PYTORCH_PRETRAINED_BERT_CACHE")


class CacheChoice(Frozen):
    """Where models are cached, and where they were before."""

    storage: str
    """A name of `Settings.storages`, or `OWN_CACHE`."""
    folder: str
    """Of that storage when it was chosen."""
    earlier: tuple[str, ...] = ()
    """Other cache folders that were in use, by rank; their models are still read."""
    before: "ChoiceBefore | None" = None
    """What a roll back puts in place again; None once the move has proved itself."""


class ChoiceBefore(CacheChoice):
    """The choice that an untried move replaced, and what is known of that move.

    Files of earlier releases say nothing of it: such a move is nobody's who is still at work.
    """

    job: str | None = None
    """Whose move it is."""
    made_entry: str | None = None
    """The model's own folder in the new cache, if there was none before the move made it."""
    copied_from: str | None = None
    """The snapshot that the move copied; None where the model lay in the new cache already."""


def choice_file(settings: Settings) -> Path:
    return settings.data_dir / "worker" / f"{settings.worker_host}.cache.json"


def read_choice(settings: Settings) -> CacheChoice | None:
    """The remembered choice; None where there is none. Raises OSError, and ValueError for a damaged one."""
    try:
        return CacheChoice.model_validate_json(choice_file(settings).read_bytes())
    except FileNotFoundError:
        return None


def write_choice(settings: Settings, choice: CacheChoice) -> None:
    """Replace the remembered choice, whole or not at all."""
    path = choice_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_durably(path, choice.model_dump(mode="json"))


def cache_on(storage: str, settings: Settings) -> Path | None:
    """The cache folder on a storage; None when there is no storage of that name, as for `OWN_CACHE`."""
    path = settings.storages.get(storage)
    return path / "hub" if path is not None else None


def move_to(storage: str) -> Message:
    """What decides on the cache's folder after a move, in words."""
    return say("cache-moved-piece", storage=storage)


def storage_names(settings: Settings) -> list[str]:
    """What a request may name."""
    return [*sorted(settings.storages), OWN_CACHE]
