"""The message files and the code agree: ids, variables, and no sentence composed outside the files."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Visitor
from jinja2 import nodes

from shared.errors import refusals
from shared.messages.catalog import DEFAULT_LANGUAGE, FOLDER, catalog, languages, message_files

ROOT = FOLDER.parent.parent
REFUSALS = {refusal.__name__ for refusal in refusals()}
OTHERS = {
    "WrongField",
    "TemplateRefusal",
    "BadRow",
    "Refused",
    "LookAlike",
    "WrongValue",
}  # so is their first argument
# Where every failure, event and refusal is a message by now. The next area that is converted comes in here.
CONVERTED = [
    "services/api",
    "services/cli",
    "services/worker",
    "shared",
]
SAID_FIELDS = ("title", "evidence", "action", "assumes", "note", "message")


@dataclass(frozen=True)
class Use:
    """One `say("id", name=…)` of the code, or one `say('id', {name = …})` of a script."""

    place: str
    message_id: str
    variables: frozenset[str]


class _Variables(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ftl.VariableReference) -> None:  # noqa: N802 (the library asks so)
        self.names.add(node.id.name)


def variables_of(node: ftl.Message) -> frozenset[str]:
    seen = _Variables()
    seen.visit(node)
    return frozenset(seen.names)


def parsed(language: str) -> list[ftl.EntryType]:
    parser = FluentParser()
    return [
        entry
        for path in message_files(language)
        for entry in parser.parse(path.read_text(encoding="utf-8")).body
    ]


def messages(language: str) -> dict[str, ftl.Message]:
    return {entry.id.name: entry for entry in parsed(language) if isinstance(entry, ftl.Message)}


def code_files() -> Iterator[Path]:
    """All code; services/cli/explain/tunedock_probe.py stands alone (tests/explain/test_sentences.py)."""
    for part in ("shared", "services"):
        yield from (ROOT / part).rglob("*.py")


def uses_in_code() -> Iterator[Use]:
    for path in code_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                names = frozenset(str(keyword.arg) for keyword in node.keywords)
                for message_id in _ids(node.args[0], place):
                    yield Use(place, message_id, names)


def _ids(node: ast.expr, place: str) -> list[str]:
    """The literal id, or both of `a if x else b`: an id is never put together."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_ids(node.body, place), *_ids(node.orelse, place)]
    raise AssertionError(f"{place}: say() wants its id as a literal")


def uses_in_scripts() -> Iterator[Use]:
    for path in (ROOT / "shared" / "job_scripts").glob("*.lua"):
        for found in re.finditer(r"say\('([\w-]+)'(?:, \{([^}]*)\})?\)", path.read_text(encoding="utf-8")):
            names = re.findall(r"(\w+) =", found.group(2) or "")
            yield Use(path.name, found.group(1), frozenset(names))


def uses_in_templates() -> Iterator[Use]:
    """Each `said("id", name=…)` of a page."""
    for path in (ROOT / "services/api/pages").glob("*.html"):
        for call in jinja2.Environment().parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "said":
                names = frozenset(keyword.key for keyword in call.kwargs)
                yield Use(f"{path.name}:{call.lineno}", call.args[0].as_const(), names)


USES = [*uses_in_code(), *uses_in_scripts(), *uses_in_templates()]


@pytest.mark.parametrize("language", languages())
def test_every_line_of_the_message_files_is_understood(language: str) -> None:
    assert not [entry.content for entry in parsed(language) if isinstance(entry, ftl.Junk)]
    ids = [entry.id.name for entry in parsed(language) if isinstance(entry, ftl.Message)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", languages())
def test_every_message_of_the_code_is_in_each_language_with_the_same_variables(language: str) -> None:
    known = messages(language)
    assert not [use for use in USES if use.message_id not in known]
    wrong = [use for use in USES if variables_of(known[use.message_id]) != use.variables]
    assert not wrong, [(use, variables_of(known[use.message_id])) for use in wrong]


UNPARSED = ["span", "comment"]  # where it stood, and what stood above it


@pytest.mark.parametrize("language", languages())
def test_each_message_can_be_parsed_alone(language: str) -> None:
    """The catalog finds each by itself, and none refers to another."""
    whole = messages(language)
    alone = {
        name: [one for one in FluentParser().parse(text).body if isinstance(one, ftl.Message)]
        for name, text in catalog(language)._entries.items()
    }
    assert set(alone) == set(whole)
    same = {
        name for name, found in alone.items() if len(found) == 1 and found[0].equals(whole[name], UNPARSED)
    }
    assert same == set(whole)
    assert not [name for name, message in whole.items() if _refers(message)]


def _refers(message: ftl.Message) -> bool:
    seen = _References()
    seen.visit(message)
    return seen.found


class _References(Visitor):
    found = False

    def visit_MessageReference(self, node: ftl.MessageReference) -> None:  # noqa: N802 (the library asks so)
        self.found = True

    def visit_TermReference(self, node: ftl.TermReference) -> None:  # noqa: N802 (the library asks so)
        self.found = True


@pytest.mark.parametrize("language", languages())
def test_no_message_of_the_files_is_unused(language: str) -> None:
    assert set(messages(language)) == {use.message_id for use in USES}


def test_english_messages_are_whole_sentences_or_headings_or_labels() -> None:
    """Each begins with a capital, a value or code, and ends with `.`, `?`, a value or a command."""
    wrong = []
    for path in message_files(DEFAULT_LANGUAGE):
        for line in re.split(r"\n(?=[a-z])", path.read_text(encoding="utf-8")):
            found = re.match(r"([a-z][\w-]*) = (.*)", line, re.S)
            if found and not re.fullmatch(_form(found.group(1)), _without_comments(found.group(2)), re.S):
                wrong.append(line)
    assert not wrong


def _form(message_id: str) -> str:
    """What a message looks like, by its id: headings, labels, rows and pieces have no full stop."""
    if message_id.endswith("-title"):
        return r"[A-Z0-9{].*[^.]"
    return r".*[^.]" if message_id.endswith(("-label", "-piece", "-row")) else r'[A-Z0-9{"`].*[.?}]'


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()


@pytest.mark.parametrize("place", CONVERTED)
def test_no_sentence_is_composed_outside_the_message_files(place: str) -> None:
    path = ROOT / place
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert files
    composed = [
        f"{file.relative_to(ROOT)}:{argument.lineno}: {ast.unparse(argument)[:80]}"
        for file in files
        for argument in _said(ast.parse(file.read_text(encoding="utf-8")))
        if any(_is_text(node) for node in _outside_messages(argument))
    ]
    assert not composed


# English of the command that is no message, and why.
NOT_MESSAGES = {
    "services/cli/explain/tunedock_probe.py": "stands alone; its sentences are a table in it",
    "services/cli/argparse_text.py": "the words of argparse, by which they become messages",
    "services/cli/compose_settings.py": "rows of docs/settings.md",
    "services/cli/environment/__init__.py": "rows of docs/settings.md",
    "services/cli/completion/bash.py": "code of a shell",
    "services/cli/completion/fish.py": "code of a shell",
    "services/cli/completion/zsh.py": "code of a shell",
    "services/cli/leash.py": "stands alone; its line is for a log",
}
# Words of other programs, by which their output is known, commands, code, and words of stored files.
NOT_SAID = re.compile(
    r"not a valid field|blocked by the operating system|version mismatch|permission denied"
    r"|could not be found in this WSL|could not select device|Installing collected|Using cached"
    r"|Building wheel|No space left|No matching distribution|error: command|NewConnectionError"
    r"|^docker compose |^ *from peft import|^import sys;|^host share$|torch index: $"
)


def test_no_words_follow_each_other_in_a_text_of_the_command() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in (ROOT / "services/cli").rglob("*.py")
        if str(path.relative_to(ROOT)) not in NOT_MESSAGES
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"[a-z]{2,},? [a-z]{2,}", text) and not NOT_SAID.search(text)
    ]
    assert not found, "\n".join(found)
    assert all((ROOT / place).is_file() for place in NOT_MESSAGES)


def _texts(tree: ast.Module) -> Iterator[str]:
    """Every text but the docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _said(tree: ast.Module) -> Iterator[ast.expr]:
    """What is told a person: the texts of failures, events and refusals, of findings and remedies."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id="JobFailed" | "Failure" | "FieldError"):
                yield from node.args[1:]
            case ast.Name(id=name) if name in REFUSALS | OTHERS:
                yield from node.args[:1]
            case ast.Name(id="RowLine" | "Problem"):
                yield node.args[1]
            case ast.Name(id="Finding" | "Remedy" | "AppliedRemedy"):
                yield from node.args[1:2]
                yield from (word.value for word in node.keywords if word.arg in SAID_FIELDS)
            case ast.Name(
                id="Unreadable" | "CommandFailed" | "UsageError" | "ServerUnreachable" | "Obstacle"
            ):
                yield from node.args
            case ast.Name(id="ok" | "warning" | "error" | "unknown"):
                yield from node.args[1:]
            case ast.Name(id="RequestRefused"):
                yield from node.args[2:]
            case ast.Name(id="add_command" | "add_client_command" | "add_bare_command"):
                yield from node.args[2:]
            case ast.Attribute(attr="add_argument" | "add" | "add_parser"):
                yield from (word.value for word in node.keywords if word.arg in ("help", "description"))
            case ast.Attribute(attr="add_argument_group"):
                yield from node.args
            case ast.Attribute(
                value=ast.Name(id="progress") | ast.Attribute(attr="_progress"), attr="stage" | "step"
            ):
                yield from node.args[:1]
            case ast.Attribute(
                value=ast.Name(id="terminal") | ast.Attribute(attr="_terminal"),
                attr="say" | "note" | "waiting" | "transfer",
            ):
                yield from node.args[:1]
            case ast.Attribute(attr="event"):
                yield from node.args[:1]


def _outside_messages(node: ast.expr) -> Iterator[ast.expr]:
    """The parts of an expression that are not arguments of `say`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _outside_messages(child)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
