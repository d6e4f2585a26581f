"""Predictions of remedies: arithmetic on the phases that were measured, None where something is unknown."""

import pytest

from services.worker.diagnosis import predictions
from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.intake import intake_bytes_per_second
from shared.reports.load_facts import LoadFacts, Target
from shared.reports.model_files import PreparedCopy
from tests.worker.diagnosis.diagnosed import GB, action_of, evidence_of, healthy, speed, trial

HARD_DISK = speed(direct=140e6, buffered=160e6, mapped=158e6, latency=0.009)
COPY = PreparedCopy(folder="/data/models/name-nf4", bytes=GB // 2)
DATA = Target(name="data", folder="/data/models", limit_bytes_per_second=500e6)
SSD = Target(name="ssd", folder="/mnt/ssd", limit_bytes_per_second=400e6)
# 1.6 GB: ten seconds to read from the hard disk, six to cast and quantize, one for the rest.
COLD = trial(resolve=0.25, read=10.0, deserialize=2.0, quantize=4.0, move=0.25, rest=0.5)
WARM = trial(
    cached_bytes_before=int(1.6 * GB),
    resolve=0.25,
    read=0.0,
    deserialize=1.5,
    quantize=4.0,
    move=0.25,
    rest=0.5,
)


def slow(**changes: object) -> LoadFacts:
    known = {"read_speed": HARD_DISK, "trial": COLD, "targets": (DATA, SSD), "intake_bytes_per_second": 1e9}
    return healthy(**known | changes)


def test_the_copy_takes_its_bytes_at_the_rate_of_the_data_folder_and_the_fixed_part() -> None:
    assert predictions.from_copy(slow()) == pytest.approx(0.5e9 / 500e6 + 1.0)


def test_another_storage_takes_the_same_bytes_at_its_own_rate_and_all_that_is_not_reading() -> None:
    assert predictions.from_target(slow(), SSD) == pytest.approx(1.6e9 / 400e6 + 7.0)


def test_what_is_not_reading_is_taken_from_a_warm_run_where_there_is_one() -> None:
    assert predictions.without_storage(slow()) == pytest.approx(7.0)
    assert predictions.without_storage(slow(warm=WARM)) == pytest.approx(6.5)


def test_a_warm_run_that_was_slower_than_the_cold_one_predicts_nothing() -> None:
    disturbed = WARM.model_copy(update={"total_seconds": 40.0})
    assert predictions.without_storage(slow(warm=disturbed)) == pytest.approx(7.0)


def test_reading_that_hides_in_other_phases_is_computed_from_the_bytes() -> None:
    hidden = trial(resolve=0.25, read=0.0, deserialize=12.0, quantize=4.0, move=0.25, rest=0.5)
    assert predictions.without_storage(slow(trial=hidden)) == pytest.approx(7.0)


def test_bfloat16_is_read_at_the_rate_of_where_it_lies() -> None:
    facts = slow(checkpoint__bfloat16_bytes=int(0.8 * GB))
    assert predictions.from_bfloat16(facts) == pytest.approx(5.0 + 7.0)


def test_a_copy_in_memory_is_read_at_the_rate_of_memory() -> None:
    facts = slow(copy_in_use=COPY, prepared=(trial(resolve=0.25, read=3.0, move=0.25, rest=0.5),))
    assert predictions.from_warm_copy(facts) == pytest.approx(0.5e9 / 1e9 + 1.0)


def test_a_copy_on_a_disk_faster_than_this_process_is_read_as_fast_as_it_can_take_it() -> None:
    nvme = DATA.model_copy(update={"limit_bytes_per_second": 7e9})
    assert predictions.from_copy(slow(targets=(nvme,))) == pytest.approx(0.5e9 / 1e9 + 1.0)


def test_the_rate_at_which_bytes_are_taken_in_is_measured() -> None:
    rate = intake_bytes_per_second()
    assert rate is not None
    assert rate > 10e6


@pytest.mark.parametrize(
    "unknown",
    [
        {"trial": None},
        {"targets": ()},
        {"targets": (DATA.model_copy(update={"limit_bytes_per_second": None}),)},
    ],
)
def test_what_was_not_measured_is_not_predicted(unknown: dict[str, object]) -> None:
    assert predictions.from_copy(slow(**unknown)) is None


def test_a_storage_that_was_measured_faster_is_named_with_the_command_that_moves_there() -> None:
    (finding,) = [f for f in run_checks(slow()) if f.id == "bandwidth-bound"]
    (remedy,) = [r for r in finding.remedies if "storage ssd" in action_of(r)]
    assert remedy.command == "./tunedock prepare org/name --move-cache-to ssd"
    assert remedy.saves_seconds == pytest.approx(10.0 - 4.0)
    assert remedy.predicted_seconds == pytest.approx(11.0)
    assert remedy.assumes is None


def test_a_storage_that_is_not_clearly_faster_is_not_offered() -> None:
    near = SSD.model_copy(update={"limit_bytes_per_second": 170e6})
    (finding,) = [f for f in run_checks(slow(targets=(DATA, near))) if f.id == "bandwidth-bound"]
    assert not [r for r in finding.remedies if "--move-cache-to" in (r.command or "")]


def test_findings_that_a_working_copy_cures_are_no_alarm_any_more() -> None:
    cured = slow(copy_in_use=COPY, prepared=(trial(resolve=0.25, read=1.0, move=0.25, rest=0.5),))
    (finding,) = [f for f in run_checks(cured) if f.id == "bandwidth-bound"]
    assert finding.severity == "info"
    assert "took 2.00 s" in evidence_of(finding)[-1]
    assert finding.remedies == ()


def test_what_only_the_checkpoint_gains_is_not_offered_beside_a_copy_that_jobs_load() -> None:
    wide = {"checkpoint__dtype_parameters": {"F32": 800_000_000}, "checkpoint__bfloat16_bytes": int(0.8 * GB)}
    copied = {"copy_in_use": COPY, "prepared": (trial(resolve=0.25, read=1.0, move=0.25, rest=0.5),)}
    before = {f.id: f for f in run_checks(slow(**wide))}
    after = {f.id: f for f in run_checks(slow(**wide | copied))}
    assert before["wide-dtype"].remedies
    assert after["wide-dtype"].remedies == after["bandwidth-bound"].remedies == ()


def test_a_copy_that_can_not_be_used_cures_nothing() -> None:
    broken = slow(copy_in_use=COPY.model_copy(update={"problem": "wrong hash"}))
    severity = {finding.id: finding.severity for finding in run_checks(broken)}
    assert severity["bandwidth-bound"] == "warning"
    assert severity["damaged-copy"] == "warning"
