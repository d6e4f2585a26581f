"""The keys of a user's file, while a tool's reader takes them one after the other."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import FieldError
from shared.messages.message import Message, say
from shared.training_settings.outcome import Assumed, Differs, Ignored
from shared.training_settings.values import OFF, plain, short
from shared.training_settings.words import meant

SECRET = re.compile(r"(hub_token|auth_token|api_key|secret|password)$")
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Found:
    """A key of the file, by the name that it has there."""

    name: str
    value: Any


class Keys:
    """`values` become the settings' fields; `source` says under which key the file has each.

    A null is as good as an absent key; false is a value. `place` is what fields beside the file begin with.
    """

    def __init__(self, given: Mapping[str, Any], title: str, place: str = "") -> None:
        self.given, self.title, self.place = given, title, place
        self.values: dict[str, Any] = {}
        self.source: dict[str, str] = {}
        self.ignored: list[Ignored] = []
        self.assumed: list[Assumed] = []
        self.differs: list[Differs] = []
        self.problems: list[FieldError] = []
        self.asked: dict[str, Message] = {}
        self._left = {name: value for name, value in given.items() if value is not None}
        self._known: set[str] = set()

    def take(self, *names: str) -> Found | None:
        """The key that is there under one of its names; old and new name may both be, with one value."""
        self._known.update(names)
        found = [Found(name, plain(self._left.pop(name))) for name in names if name in self._left]
        for other in found[1:]:
            if other.value != found[0].value:
                self.refuse(
                    other,
                    say(
                        "settings-two-names", key=other.name, other=found[0].name, value=short(found[0].value)
                    ),
                )
        return found[0] if found else None

    def flag(self, *names: str, default: bool) -> bool:
        """A truth value that decides about several fields; it is only taken."""
        found = self.take(*names)
        if found is None:
            return default
        if not isinstance(found.value, bool):
            self.refuse(found, say("settings-not-true-or-false", key=found.name, value=short(found.value)))
            return default
        return found.value

    def put(
        self, field: str, *names: str, default: Any = None, read: Callable[[Any], Any] = lambda value: value
    ) -> None:
        """The field from the key of one of these names (by default its own); else the tool's default."""
        found = self.take(*(names or (field,)))
        if found is not None:
            self.set(field, read(found.value), found.name)
        elif default is not None:
            self.assume(field, default)

    def require(self, field: str, name: str | None = None) -> None:
        """A key that the tool itself wants in every file."""
        found = self.take(name or field)
        if found is None:
            self.problems.append(
                FieldError(name or field, say("settings-required", key=name or field, tool=self.title))
            )
        else:
            self.set(field, found.value, found.name)

    def drop(self, field: str) -> None:
        """Another key decides it, so that what stood for it is forgotten."""
        self.values.pop(field, None)
        self.source.pop(field, None)
        self.assumed = [one for one in self.assumed if one.field != field]

    def set(self, field: str, value: Any, key: str) -> None:
        self.values[field], self.source[field] = value, key

    def assume(self, field: str, value: Any, reason: Message | None = None) -> None:
        """The tool's own default, or another value with its reason."""
        self.values[field] = value
        said = reason or say("settings-tool-default", tool=self.title, field=field, value=short(value))
        self.assumed.append(Assumed(field=field, value=value, reason=said))

    def ask(self, field: str, message: Message) -> None:
        """No file of this tool can say it, and it must not be guessed."""
        self.asked[field] = message

    def only(self, name: str, ours: Any) -> None:
        """The worker knows one value of this key; any other changes what is learned."""
        found = self.take(name)
        if found is None or found.value == ours or (ours in OFF and found.value in OFF):
            return
        here = "null" if ours is None else short(ours)
        reason = say("settings-differ-key", key=name, value=short(found.value), ours=here)
        self.differs.append(Differs(field=name, value=short(found.value), curve=True, reason=reason))

    def refuse(self, found: Found, message: Message) -> None:
        self.problems.append(FieldError(found.name, message))

    def finish(self, reason_of: Callable[[str], Message | None]) -> None:
        """What nobody took: it has no meaning here, or it is no key of the tool."""
        for name, value in self._left.items():
            reason = reason_of(name)
            if reason is not None:
                shown = "…" if SECRET.search(name) else short(value)
                self.ignored.append(Ignored(key=str(short(name)), value=shown, reason=reason))
                continue
            if len(self.problems) >= MOST_PROBLEMS:
                return
            name = str(short(name))
            close = meant(name, frozenset(self._known))
            unknown = (
                say("settings-unknown-key", key=name, tool=self.title)
                if close is None
                else say("settings-unknown-key-meant", key=name, tool=self.title, name=close)
            )
            self.problems.append(FieldError(name, unknown))
