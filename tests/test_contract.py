"""The public contract names what there is: docs/contract.md's lists against the code."""

import re

import pytest

from services.api.metrics import METRICS as API_METRICS
from services.cli.__main__ import command_parser
from services.cli.environment import LAUNCHER_SETTINGS
from services.worker.metrics import METRICS as WORKER_METRICS
from shared.jobs import KINDS, STATUSES
from shared.schemas import JobRecord
from shared.settings import Settings
from tests.docs_tables import DOCS

CONTRACT = (DOCS / "contract.md").read_text(encoding="utf-8")
LATER = CONTRACT[CONTRACT.index("## What a later version adds") :]


def fixed(name: str) -> list[str]:
    """The names of one of the contract's lists, in order."""
    (listed,) = re.findall(rf"<!-- fixed {name} -->\n(.*?)<!-- /fixed {name} -->", CONTRACT, re.DOTALL)
    return re.findall(r"`([^`]+)`", listed)


def test_the_commands_are_the_contract_s() -> None:
    assert sorted(fixed("commands")) == sorted(command_parser().commands)


def test_the_kinds_and_statuses_are_the_contract_s() -> None:
    assert fixed("kinds") == list(KINDS)
    assert fixed("statuses") == list(STATUSES)


def test_a_record_has_the_contract_s_fields() -> None:
    assert fixed("record") == list(JobRecord.model_fields)


def test_every_setting_of_the_contract_is_read() -> None:
    known = {name for name, *_ in (*Settings.settings_table(), *LAUNCHER_SETTINGS)}
    assert len(fixed("settings")) == len(set(fixed("settings"))) > 10
    assert set(fixed("settings")) <= known


@pytest.mark.parametrize("word", ["job_id", "job", "id"])
def test_no_metric_has_a_job_s_id_as_a_label(word: str) -> None:
    labels = {label for metric in API_METRICS for label in metric.labels}
    assert word not in labels | {label for _, _, names, _ in WORKER_METRICS for label in names}


def test_what_a_later_version_adds_is_not_there_yet() -> None:
    later = {name.split()[0] for name in re.findall(r"`([a-z][^`/]*)`", LATER) if "-" not in name.split()[-1]}
    assert {"pause", "resume", "predict", "export", "batch", "paused"} <= later
    assert not (later - {"doctor", "train", "running", "queued", "diagnose"}) & {
        *command_parser().commands, *KINDS, *STATUSES
    }  # fmt: skip
