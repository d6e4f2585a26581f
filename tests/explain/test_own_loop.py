"""A loop without any trainer: its steps are found, and an injected cause is named first."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.explain.probed import HERE, Ended, own_findings, run_probed

STEPS = 6
CHECKS = {"rows": "slow-data-loader", "evaluation": "evaluation-too-often", "padding": "padding"}


def explained(cause: str, folder: Path) -> tuple[dict[str, Any], Any, Ended]:
    """(the report's training, what the program tells, how it ended)."""
    ended = run_probed([HERE / "own_loop.py", cause], folder)
    assert ended.status == 0, ended.err
    return ended.report["training"], json.loads(ended.out.splitlines()[-1]), ended


@pytest.mark.timeout(240)
@pytest.mark.parametrize("cause", CHECKS)
def test_the_injected_cause_is_named_first(cause: str, tmp_path: Path) -> None:
    training, told, ended = explained(cause, tmp_path)
    assert own_findings(training)[0]["check"] == CHECKS[cause], ended.err
    assert training["steps"] == len(told["losses"]) == STEPS
    assert training["tokens"]["computed"] == STEPS * 4 * 128
    evaluation = training["between_steps"]["evaluation"]["seconds"]
    within = told["evaluation"] * (STEPS - 1) / STEPS  # what follows the last step is the program's own
    assert evaluation == pytest.approx(within, rel=0.3, abs=0.1)
    assert ended.report["probe"]["failures"] == []


@pytest.mark.timeout(240)
def test_a_healthy_loop_has_no_finding(tmp_path: Path) -> None:
    training, _, ended = explained("nothing", tmp_path)
    assert own_findings(training) == [], ended.err
    assert training["phases"]["forward"] > 0
    assert training["phases"]["backward"] > 0
    assert training["phases"]["optimizer"] > 0
