"""Ids that a user gives by their first characters: the one that is meant, or a list of those that may be."""

from collections.abc import Sequence

from services.cli.failure import RequestRefused, UsageError
from shared.errors import FieldError
from shared.messages.message import Message, say

CANDIDATES_SHOWN = 10


def the_one(found: Sequence[tuple[str, Message]], *, none: Message, listed: Message, several: Message) -> str:
    """The id that is `found` alone, of pairs of an id and what is said of it.

    Raises `RequestRefused` with `none` and the way to those `listed`; `UsageError` that names the candidates
    where there are `several`.
    """
    if not found:
        unknown = RequestRefused(404, "not_found", none)
        unknown.advice = listed
        raise unknown
    if len(found) == 1:
        return found[0][0]
    shown = [FieldError(name, what) for name, what in found[:CANDIDATES_SHOWN]]
    if (left := len(found) - len(shown)) > 0:
        shown.append(FieldError("", say("candidates-left-row", count=left)))
    raise UsageError(several, say("give-more-characters"), errors=tuple(shown))
