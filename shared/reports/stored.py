"""The base of whatever is stored in a report: strict where it is made, open where another release made it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from shared.messages.message import Message
from shared.schemas.frozen import Frozen

_READING = "a stored file"  # pydantic's context, by which `read_stored` is told from making


class Stored(Frozen):
    """Whoever makes one must give every field that has no default, and none that is unknown.

    Read from a file (`read_stored`), fields of later releases are passed over, a null is as good as absent,
    and `lacking` stands in for what earlier releases did not write.
    """

    lacking: ClassVar[Mapping[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _of_any_release(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context != _READING or not isinstance(value, dict):
            return value
        return {**cls.lacking, **{name: value[name] for name in known_names(cls, value)}}


Part = TypeVar("Part", bound=Stored)


def known_names(part: type[Stored], value: Mapping[str, Any]) -> list[str]:
    """The fields of `part` that a file has, nulls left out."""
    return [name for name in part.model_fields if value.get(name) is not None]


def read_stored(part: type[Part], value: Any) -> Part:
    """What a file of any release holds; raises pydantic's `ValidationError` where a value is of no use."""
    return part.model_validate(value, context=_READING)


def _any_word(value: Any, accept: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    return value if info.context == _READING and isinstance(value, str) else accept(value)


Choice = TypeVar("Choice")
Word = Annotated[Choice, WrapValidator(_any_word)]
"""`Word[SomeLiteral]`: a later release may have more words, which are shown as they stand."""


def _said(value: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo) -> str | Message:
    if isinstance(value, Message) or (info.context == _READING and isinstance(value, str)):
        return value
    return Message.model_validate(value)


Said = Annotated[
    str | Message, WrapValidator(_said), WithJsonSchema({"type": "string"}, mode="serialization")
]
"""What a report says: made as a message; a text where a release before messages stored it. Whoever reads an
answer of the API gets a sentence.
"""
