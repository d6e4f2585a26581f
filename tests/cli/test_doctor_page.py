"""docs/windows.md against the doctor: every line it explains exists, every step it is sent to as well."""

import re
from pathlib import Path

from services.cli.doctor.checks import examine
from services.cli.doctor.checks.engine import REFUSAL
from services.cli.environment import LAUNCHER_SETTINGS
from shared.settings import PROJECT_ROOT, Settings
from tests.cli.doctor_facts import on_wsl

PAGE = (PROJECT_ROOT / "docs/windows.md").read_text(encoding="utf-8")
CHECKS = PROJECT_ROOT / "services/cli/doctor/checks"
SENTENCES = PROJECT_ROOT / "shared/messages/en/doctor.ftl"


def test_the_page_explains_every_line_of_the_doctor() -> None:
    table = PAGE.partition("## What the doctor says of each")[2]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {name for cell in cells for name in re.findall("`([a-z-]+)`", cell)}
    assert named == {found.id for found in examine(on_wsl())}


def test_every_step_that_a_remedy_names_is_on_the_page() -> None:
    said = "".join(path.read_text() for path in (*CHECKS.glob("*.py"), SENTENCES))
    sent_to = set(re.findall(r"(?:windows_step\(|windows\.md, step )(\d)", said))
    steps = re.findall(r"^## (\d)\. ", PAGE, re.MULTILINE)
    assert steps == sorted(steps)
    assert sent_to == set(steps)


def test_the_engines_refusal_is_quoted_as_the_doctor_quotes_it() -> None:
    assert REFUSAL in PAGE


def test_every_variable_of_ours_on_the_page_is_known() -> None:
    known = {name for name, _, _ in [*Settings.settings_table(), *LAUNCHER_SETTINGS]}
    compose = Path(PROJECT_ROOT / "docker-compose.yml").read_text()
    for name in set(re.findall(r"TUNEDOCK_[A-Z_]+", PAGE)):
        assert name in known or f"${{{name}" in compose, name
