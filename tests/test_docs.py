"""README and docs/ say what the code does: their tables, links, commands and tree."""

import re
import shlex
from pathlib import Path

import pytest

from services.cli.__main__ import command_parser
from tests.docs_tables import DOCS, TABLES, place_of

ROOT = DOCS.parent
README = ROOT / "README.md"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.glob("*.md")),
    *(ROOT / folder / name for folder, name in (("datasets", "README.md"), ("models", "README.md"))),
    ROOT / "bench" / "NOTES.md",
]
LONGEST_README_LINES = 150


def texts() -> dict[str, str]:
    """Every page that people read → its text."""
    return {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_code_s(name: str) -> None:
    file, table = TABLES[name]
    found = place_of(name).findall((DOCS / file).read_text(encoding="utf-8"))
    assert len(found) == 1, f"docs/{file} needs one table between <!-- {name} --> and <!-- /{name} -->"
    assert found[0] == table(), "run: .venv/bin/python -m tests.docs_tables --write"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_in_one_page_only(name: str) -> None:
    home = f"docs/{TABLES[name][0]}"
    assert [page for page, text in texts().items() if f"<!-- {name} -->" in text] == [home]


def test_every_table_has_rows() -> None:
    assert all(table().count("\n") > 2 for _, table in TABLES.values())


def test_the_readme_is_one_screen_and_a_half() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST_README_LINES


def test_every_page_of_docs_can_be_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[\w.-]+)\)", README.read_text(encoding="utf-8")))
    assert linked == {f"docs/{page.name}" for page in DOCS.glob("*.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_something(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_an_example_is_understood(page: Path) -> None:
    own = {"bench", "test", "check"}  # these hand their words on to other programs
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in re.findall(r"^\./tunedock (.+)$", block, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if words[0] not in own:
                command_parser().parse_args(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_code_that_a_page_names_is_there(page: Path) -> None:
    code = r"`((?:services|shared|tests|bench|requirements|datasets|models)/[\w./-]+)`"
    named = re.findall(code, page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    assert [test for file, test in named if f"def {test}(" not in (ROOT / file).read_text()] == []


def test_the_readme_s_tree_names_what_there_is() -> None:
    (tree,) = re.findall(r"## The tree\n\n```\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    above = {0: ROOT}
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        if indent > 4:
            continue  # the second line of what something is for
        names = line.strip().split("  ")[0].split()
        folders = [above[indent] / name for name in names if name.endswith("/") or "." in name or indent == 0]
        assert folders, line
        assert [str(folder) for folder in folders if not folder.exists()] == []
        above[indent + 2] = folders[-1]
