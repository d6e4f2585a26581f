"""A model's files: on disk, in the hub's cache, on the hub, and the copies made of them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.messages.message import Message
from shared.reports.stored import Said, Stored, Word

FileFormat = Literal["safetensors", "pickle", "legacy pickle", "gguf", "other"]

ModelSource = Literal["folder", "hub_cache", "hub", "prepared"]


class WeightFile(Stored):
    """One weight file as it lies on disk. Of safetensors only headers are read, no pickle is unpickled."""

    lacking: ClassVar[Mapping[str, Any]] = {"format": "unknown", "bytes": 0}

    name: str
    """Relative to the model's folder."""
    format: Word[FileFormat]
    bytes: int
    opened: bool = False
    """Whether a load by Tunedock opens it (after converting it, if it is a pickle)."""
    tensors: int | None = None
    problem: Said | None = None
    """Why the file can't be loaded."""


class Checkpoint(Stored):
    """The model's files."""

    lacking: ClassVar[Mapping[str, Any]] = {"folder": "", "source": ""}

    folder: str
    source: Word[ModelSource]
    revision: str | None = None
    files: tuple[WeightFile, ...] = ()
    problems: tuple[Said, ...] = ()
    """What makes the set as a whole unloadable: a missing shard, an index that names none."""
    parameters: int | None = None
    dtype_parameters: dict[str, int] = {}
    """Safetensors dtype → parameters stored in it, of the files that a load opens."""
    bfloat16_bytes: int | None = None
    """What the same weights would take on disk in bfloat16."""
    nf4_bytes: int | None = None
    """And in nf4 with double quantization, embeddings in bfloat16."""
    quantized: bool = False

    @property
    def opened(self) -> tuple[WeightFile, ...]:
        return tuple(file for file in self.files if file.opened)

    @property
    def opened_bytes(self) -> int:
        return sum(file.bytes for file in self.opened)

    @property
    def shards(self) -> int:
        return max(1, len(self.opened))


class CacheVariable(Stored):
    """An environment variable that is set and concerns the cache or loading."""

    lacking: ClassVar[Mapping[str, Any]] = {"reason": ""}

    name: str
    value: str
    effect: Word[Literal["decides", "outranked", "ignored"]]
    reason: Said


class UnfinishedFile(Stored):
    """What an interrupted download left."""

    name: str
    bytes: int


class CacheCopy(Stored):
    """The same model in another cache folder."""

    lacking: ClassVar[Mapping[str, Any]] = {"bytes": 0}

    folder: str
    bytes: int


class CachedProposal(Stored):
    """A pull request's revision in the cache, as transformers' automatic conversion leaves one."""

    revision: str
    """refs/pr/N"""
    bytes: int
    """Of files that no other revision has."""
    safetensors: bool


class HubCache(Stored):
    """The hub's cache by the rules of the installed huggingface_hub, and this model's entry in it."""

    lacking: ClassVar[Mapping[str, Any]] = {"folder": "", "decided_by": ""}

    folder: str
    decided_by: str | Message
    """What won: a variable, "default", or a job's move to another storage."""
    moved: bool = False
    """Whether that move won, so that no variable moves the cache."""
    variables: tuple[CacheVariable, ...] = ()
    offline: bool = False
    unfinished: tuple[UnfinishedFile, ...] = ()
    unreferenced_bytes: int | None = None
    """Of this model, but of no file of the revision in use."""
    copies: tuple[CacheCopy, ...] = ()
    proposals: tuple[CachedProposal, ...] = ()
    linked: bool | None = None
    """Whether snapshots are links to blobs; where a filesystem has none, each revision is a full copy."""


class HubModel(Stored):
    """A model on the hub; a field that could not be asked for is None, and `unknown` says why."""

    main_commit: str | None = None
    has_safetensors: bool | None = None
    """On the main branch."""
    conversion: str | None = None
    """The revision in which the hub's own bot converted the very pickles of the main branch."""
    dtype_parameters: dict[str, int] = {}
    """Safetensors dtype → parameters, by the hub's own count of the main branch."""
    unknown: Said | None = None


class FileHash(Stored):
    """What became of comparing a file with its source's word for it."""

    lacking: ClassVar[Mapping[str, Any]] = {"named_by": ""}

    name: str
    named_by: Word[Literal["hub", "manifest"]]
    """Whose word: the hub's, or that of our own manifest of a prepared copy."""
    matches: bool | None = None
    """None: not compared."""
    reason: Said | None = None
    """What differs, or why nothing was compared."""


class PreparedCopy(Stored):
    """The model's weights kept as quantized, which jobs load instead of the checkpoint."""

    folder: str
    bytes: int
    problem: Said | None = None
    """Why it can't be used; the next job makes it anew."""


class ConvertedCopy(Stored):
    """The safetensors copy of `.bin` weights, which loads read instead of those."""

    folder: str
    bytes: int
    problem: Said | None = None
    """Why its files are not those of its manifest."""
    made_anew: bool = False
    """The problem is mended: the trial load has made the copy anew."""
