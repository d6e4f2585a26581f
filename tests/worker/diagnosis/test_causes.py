"""Each cause that can be made here is made, diagnosed, and its finding comes first.

Those that take longer than some seconds run with TESTS=all; `python -m tests.worker.diagnosis.causes` prints
the table.
"""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from services.worker.diagnosis.checks import CHECKS, run_checks
from shared.messages.document import in_sentences
from tests.thorough import ALL
from tests.worker.apart import Apart
from tests.worker.diagnosis.causes import CAUSES, Cause, fault_of, findings_of, outcome_of
from tests.worker.diagnosis.recorded_causes import causes as recorded_causes
from tests.worker.diagnosis.workshop import NotHere, Workshop

# What no cause above makes, and why; each has its facts in test_checks.
_NOT_MADE = {
    "damaged-copy": "is made in test_diagnose.py, with a worker's residency",
    "uneven-speed": "needs a disk whose speed changes from place to place",
    "slow-reading": "needs a load that something holds up and a storage that nothing does",
    "read-again": "needs memory that runs out in the middle of a load",
    "fixed-costs": "needs libraries that import slowly",
}


TRIES = 3


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    yield workshop
    workshop.close()


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
@pytest.mark.timeout(300)
def test_the_right_finding_comes_first(cause: Cause, workshop: Workshop, process: Apart) -> None:
    if cause.slow and not ALL:
        pytest.skip("a slow cause; TESTS=all makes it")
    try:
        # What is measured of a disk may be another program's doing for a moment, but not three times.
        faults = takewhile(bool, (_fault(cause, workshop, process) for _ in range(TRIES)))
        assert len(told := list(faults)) < TRIES, told[-1]
    except NotHere as reason:
        pytest.skip(str(reason))


def _fault(cause: Cause, workshop: Workshop, process: Apart) -> str | None:
    outcome = outcome_of(cause, workshop, process)
    fault = fault_of(cause, findings_of(cause, outcome, workshop))
    return None if fault is None else f"{fault}\n{outcome.report.text}"


def test_a_recorded_machine_has_the_right_finding_first(tmp_path: Path) -> None:
    for cause in recorded_causes(tmp_path):
        first = run_checks(cause.facts)[0]
        assert first.id == cause.finding, cause.name
        assert first.severity == "warning", cause.name
        assert cause.says in str(in_sentences(first.model_dump(mode="json"))), cause.name


def test_every_check_has_a_cause_or_a_word_why_not(tmp_path: Path) -> None:
    made = {cause.finding for cause in CAUSES} | {cause.finding for cause in recorded_causes(tmp_path)}
    assert {check.id for check in CHECKS} == (made - {None}) | _NOT_MADE.keys()
