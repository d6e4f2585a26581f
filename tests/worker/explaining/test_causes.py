"""Each cause of slow steps that can be made here is made, explained, and its finding comes first.

`python -m tests.worker.explaining.causes` prints the table.
"""

from pathlib import Path

import pytest

from services.worker.explaining.checks import CHECKS
from tests.worker.apart import Apart
from tests.worker.diagnosis.workshop import NotHere
from tests.worker.explaining.causes import CAUSES, Cause, found_after_tries, make_model

# What no cause above makes, and why; each has its facts in test_checks.
_NOT_MADE = {
    "dequantizing": "needs the phases of a card",
    "shared-card": "needs a card",
    "cut-answers": "is counted where rows become tokens, and tested there",
    "truncated-rows": "is counted where rows become tokens, and tested there",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("causes"))


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
@pytest.mark.timeout(300)
def test_the_right_finding_comes_first(cause: Cause, place: Path, process: Apart) -> None:
    try:
        # Another program may be in the way for a moment; a longer try forgives it.
        _, report, _, fault = found_after_tries(cause, place, process)
    except NotHere as reason:
        pytest.skip(str(reason))
    assert fault is None, f"{fault}\n{report.text}"


def test_every_check_has_a_cause_or_a_word_why_not() -> None:
    assert {check.id for check in CHECKS} == ({cause.finding for cause in CAUSES} - {None}) | _NOT_MADE.keys()
