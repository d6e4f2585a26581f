"""The text of a file of settings, JSON or YAML, as keys and values."""

import json
import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml

from shared.errors import InvalidField
from shared.messages.message import Message, say
from shared.training_settings.values import short

LONGEST_CHARACTERS = 65_536
DEEPEST = 20
_INT = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]+|[0-9][0-9_]*)\Z")
# `2e-4` is a number here, as in YAML 1.2. Under 1.1 it is text, which the tools then read as a number.
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?)\Z")


def parse(text: str, field: str = "file") -> dict[str, Any]:
    """The keys of the file. Raises `InvalidField` for `field` if it can't be read."""
    if len(text) > LONGEST_CHARACTERS:
        raise _refused(say("settings-file-too-long", characters=len(text), most=LONGEST_CHARACTERS), field)
    text = text.removeprefix("\ufeff")
    try:
        value = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    except _Twice as twice:
        raise _refused(say("settings-file-key-twice", key=short(twice.key)), field) from None
    except _Alias as alias:
        raise _refused(say("settings-file-alias", line=alias.line), field) from None
    except json.JSONDecodeError as error:
        message = say("settings-file-no-json", line=error.lineno, column=error.colno, error=error.msg)
        raise _refused(message, field) from None
    except yaml.YAMLError as error:
        raise _refused(_yaml_message(error), field) from None
    except (RecursionError, ValueError):
        raise _refused(say("settings-file-unreadable"), field) from None
    if not isinstance(value, dict) or not value:
        raise _refused(say("settings-file-no-keys"), field)
    if _depth(value) > DEEPEST:
        raise _refused(say("settings-file-unreadable"), field)
    return {str(key): inner for key, inner in value.items()}


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


class _Alias(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # the package is published without types
    """Plain values: no dates, octal or sexagesimal numbers, and no aliases, which may grow without end."""

    yaml_implicit_resolvers = {
        first: [(tag, known) for tag, known in resolvers if tag.endswith((":bool", ":null"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _Alias(self.peek_event().start_mark.line + 1)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        _refuse_twice(names)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | float:
    text = str(loader.construct_scalar(node)).replace("_", "")
    if "x" in text:
        return int(text, 16)
    return int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else float(text)


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def _refuse_twice(names: list[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise _Twice(twice[0])


def _json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _refuse_twice([name for name, _ in pairs])
        return dict(pairs)

    return json.loads(text, object_pairs_hook=unique)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def _yaml_message(error: yaml.YAMLError) -> Message:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "") or type(error).__name__
    if mark is None:
        return say("settings-file-unreadable")
    return say("settings-file-no-yaml", line=mark.line + 1, column=mark.column + 1, error=problem)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _refused(message: Message, field: str) -> InvalidField:
    return InvalidField(message, param=field)
