"""The README's tables say what the code does."""

import pytest

from tests.readme_tables import README, TABLES, place_of


@pytest.mark.parametrize("name", TABLES)
def test_the_readme_s_table_is_the_code_s(name: str) -> None:
    found = place_of(name).findall(README.read_text(encoding="utf-8"))
    assert len(found) == 1, f"README.md needs one table between <!-- {name} --> and <!-- /{name} -->"
    assert found[0] == TABLES[name](), "run: .venv/bin/python -m tests.readme_tables --write"


def test_every_table_has_rows() -> None:
    assert all(table().count("\n") > 2 for table in TABLES.values())
