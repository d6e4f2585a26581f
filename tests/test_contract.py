"""The public contract names what there is: docs/contract.md's lists against the code."""

import re

import pytest

from services.api.metrics import METRICS as API_METRICS
from services.cli.__main__ import command_parser
from services.cli.environment import LAUNCHER_SETTINGS
from services.worker.metrics import METRICS as WORKER_METRICS
from shared.jobs import KINDS, STATUSES
from shared.schemas.records import JobRecord
from shared.settings import Settings
from tests.docs_tables import DOCS

CONTRACT = (DOCS / "contract.md").read_text(encoding="utf-8")


def listed(name: str) -> list[str]:
    """The names of one of the contract's lists, in order."""
    (found,) = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", CONTRACT, re.DOTALL)
    names = re.findall(r"`([^`]+)`", found)
    assert names, f"docs/contract.md has an empty list: {name}"
    return names


def test_the_commands_are_the_contract_s() -> None:
    assert sorted(listed("fixed commands")) == sorted(command_parser().commands)


def test_the_kinds_and_statuses_are_the_contract_s() -> None:
    assert listed("fixed kinds") == list(KINDS)
    assert listed("fixed statuses") == list(STATUSES)


def test_a_record_has_the_contract_s_fields() -> None:
    assert listed("fixed record") == list(JobRecord.model_fields)


def test_every_setting_of_the_contract_is_read() -> None:
    known = {name for name, *_ in (*Settings.settings_table(), *LAUNCHER_SETTINGS)}
    assert len(listed("fixed settings")) == len(set(listed("fixed settings"))) > 10
    assert set(listed("fixed settings")) <= known


@pytest.mark.parametrize("word", ["job_id", "job", "id"])
def test_no_metric_has_a_job_s_id_as_a_label(word: str) -> None:
    labels = {label for metric in API_METRICS for label in metric.labels}
    assert word not in labels | {label for _, _, names, _ in WORKER_METRICS for label in names}


def test_what_a_later_version_adds_is_not_there_yet() -> None:
    """What is built moves from these lists to those above it."""
    assert not set(listed("later commands")) & set(command_parser().commands)
    assert not set(listed("later kinds")) & set(KINDS)
