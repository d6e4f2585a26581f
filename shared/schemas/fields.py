"""What a field of a request may hold: words, patterns, lengths."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from shared.errors import WrongField
from shared.messages.message import say, stored
from shared.webhook_url import LONGEST_CHARACTERS, URL_PATTERN, checked_url

NAME_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
FILE_ID_PATTERN = r"^file-[A-Za-z0-9]{1,64}$"
SUFFIX_PATTERN = r"^[A-Za-z0-9._-]+$"
REVISION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
MODULE_NAME_PATTERN = r"^[A-Za-z0-9_]+$"
EVENT_ID_PATTERN = r"^[0-9]{1,9}-[0-9]{1,12}$"
PLACE_PATTERN = r"^[0-9]{1,15}-[0-9]{1,12}$"
FILTER_KEY_PATTERN = r"^[^\[\]]+$"
FACADE_EVENT_ID_PATTERN = r"^ftevent-[a-z0-9]{1,64}-[0-9]{1,9}-[0-9]{1,12}$"

RowFormat = Literal["chat", "text", "prompt_completion", "classification"]
LongText = Literal["split", "cut"]
JobKind = Literal[
    "fine_tuning",
    "load_diagnostic",
    "training_diagnostic",
    "evaluation",
    "model_preparation",
    "dataset_report",
]
JobStatus = Literal[
    "queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"
]


def _without_parent_folder(value: str) -> str:
    """A revision becomes part of a path in the hub's cache."""
    if ".." in value:
        raise WrongField(say("revision-has-two-dots", revision=value))
    return value


# What a pattern is called in the sentence that one reads whose value does not match it.
PATTERN_NAMES = {
    NAME_PATTERN: "plain-text",
    FILE_ID_PATTERN: "file-id",
    SUFFIX_PATTERN: "suffix",
    REVISION_PATTERN: "revision",
    MODULE_NAME_PATTERN: "layer",
    FILTER_KEY_PATTERN: "filter-key",
    EVENT_ID_PATTERN: "event-id",
    PLACE_PATTERN: "stream-id",
    FACADE_EVENT_ID_PATTERN: "listed-event-id",
    URL_PATTERN: "webhook-url",
}

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NAME_PATTERN)]
Priority = Annotated[int, Field(ge=-100, le=100, description=stored(say("field-priority-row")))]
After = Annotated[
    list[Name],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(max_length=20, description=stored(say("field-after-row"))),
]
Webhook = Annotated[
    str,
    StringConstraints(max_length=LONGEST_CHARACTERS, pattern=URL_PATTERN),
    AfterValidator(checked_url),
]
FileId = Annotated[str, StringConstraints(pattern=FILE_ID_PATTERN)]
Suffix = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=SUFFIX_PATTERN)]
Revision = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=REVISION_PATTERN),
    AfterValidator(_without_parent_folder),
]
SettingsText = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
Instruction = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataText = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[
    dict[MetadataKey, MetadataText],
    Field(max_length=16, description=stored(say("field-metadata-row"))),
]
FilterKey = Annotated[str, StringConstraints(pattern=FILTER_KEY_PATTERN)]
MetadataFilter = Annotated[dict[FilterKey, str], Field(description="`metadata[key]=value`; pairs combine")]
NoMetadata = Literal["null"]  # in place of a filter: those that have none
ModuleName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=MODULE_NAME_PATTERN)]
Columns = Annotated[
    dict[Literal["messages", "text", "prompt", "completion", "label"], Name],
    Field(max_length=5, description=stored(say("field-columns-row"))),
]
