"""One word a thing: names that were given up stay away from where they meant something else."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKER = "services/worker"
GIVEN_UP = [  # a name as a whole, where it may not be used, and the word in its place
    (r"_?report|Report|SilentReport", f"{WORKER}/models {WORKER}/text {WORKER}/training", "running job"),
    (r"StepReport|step_report", f"{WORKER} bench tests/worker", "done step"),
    (r"attempts?", f"{WORKER}/computing {WORKER}/diagnosis", "attempt"),
    (r"plan|\w*Plan|plan_\w+", f"{WORKER}/models", "blueprint"),
    (r"Levers|LEVERS|levers_for|with_levers|lever_arms", f"{WORKER} bench", "speed-up"),
    (r"_?room|Room|find_room", f"{WORKER}/computing {WORKER}/training", "memory budget"),
    (r"turn(ed)?(_back)?|\w*_starts", f"{WORKER}/computing/engine", "rotate"),
    (r"\w*into_cache", f"{WORKER} bench tests/worker", "page cache"),
]


@pytest.mark.parametrize(("name", "folders", "word"), GIVEN_UP, ids=[word for *_, word in GIVEN_UP])
def test_a_name_that_was_given_up_is_not_used_again(name: str, folders: str, word: str) -> None:
    again = re.compile(name)
    found = [f"{file}: {used}" for file in _files(folders) for used in _names(file) if again.fullmatch(used)]
    assert found == [], f"docs/architecture.md says what {word} means"


def test_every_word_in_place_of_another_is_explained() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| ([\w -]+) \|", text.split("<!-- words -->")[1], re.MULTILINE)
    own = {"rotate"}  # the field's, in the sentence above the table
    assert {word for *_, word in GIVEN_UP} - own <= set(explained)


def _files(folders: str) -> Iterator[Path]:
    for folder in folders.split():
        yield from (ROOT / folder).rglob("*.py")


def _names(file: Path) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.NAME:
            yield token.string
