"""Where models may lie beside the hub's own cache, and where one's files were found."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from services.worker.models.files.pickle_conversion import Conversion
from services.worker.models.hub.cache_folder import find_cache_folder
from services.worker.models.hub.other_caches import other_cache_folders
from shared.messages.message import Message
from shared.settings import Settings

ModelSource = Literal["folder", "hub_cache", "hub", "prepared"]


@dataclass(frozen=True)
class ModelFiles:
    """Where a model's files lie.

    `name` is as requested; `revision` the commit for a hub model, the manifest's id for a prepared one, else
    None; `folder` holds config.json and the weights; `source` says where the bytes came from this time.
    `conversion` tells of the `.bin` files that `folder` was made of; None where there are none.
    """

    name: str
    revision: str | None
    folder: Path
    source: ModelSource
    conversion: Conversion | None = None


@dataclass(frozen=True)
class ModelPlaces:
    """Where models may lie beside the hub's own cache.

    `earlier_caches` are those that the cache was moved away from or that other variables name,
    `host_hf_cache` is somebody else's; all are only read. `cache_problem` says why the cache is not where a
    move has put it.
    """

    models_dir: Path
    data_dir: Path
    host_hf_cache: Path | None = None
    earlier_caches: tuple[Path, ...] = ()
    cache_problem: Message | None = None

    @property
    def prepared_dir(self) -> Path:
        """Where we keep what we made of other models."""
        return self.data_dir / "models"

    @classmethod
    def of(cls, settings: Settings) -> Self:
        cache = find_cache_folder(settings)
        earlier = (
            *cache.earlier,
            *(folder for folder in other_cache_folders() if folder not in cache.earlier),
        )
        return cls(settings.models_dir, settings.data_dir, settings.host_hf_cache, earlier, cache.problem)
