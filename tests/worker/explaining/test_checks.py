"""Facts of a training have the right findings, their numbers, and their order."""

from typing import Any

import pytest

from services.worker.explaining.checks import CHECKS, outcomes, run_checks
from shared.messages.message import Message
from shared.messages.render import in_english
from shared.reports.finding import Finding
from shared.reports.training_facts import DeviceFacts, Prediction, StepSplit, TrainingFacts
from tests.worker.explaining.healthy import CARD, PROCESSOR, STEP_SECONDS, cost, healthy, split, tokens

HEALTHY = healthy()
PRESSURE, USE = HEALTHY.pressure, HEALTHY.processor
assert PRESSURE is not None
assert USE is not None


def card(**changes: Any) -> DeviceFacts:
    return CARD.model_copy(update=changes)


def pressed(**changes: Any) -> Any:
    return PRESSURE.model_copy(update=changes)  # type: ignore[union-attr]


def used(**changes: Any) -> Any:
    return USE.model_copy(update=changes)  # type: ignore[union-attr]


def predicted(seconds: float) -> tuple[Prediction, ...]:
    return (Prediction(quantity="step_seconds", predicted=seconds),)


def evaluated(count: int, seconds: float) -> dict[str, Any]:
    """`count` times in a run, by steps where it is often."""
    settings = {**(HEALTHY.settings or {}), "eval_strategy": "steps" if count > 3 else "epoch"}
    return {
        "settings": settings,
        "between_counts": {"validation": count},
        "between_seconds": {"validation": seconds},
    }


def first(facts: TrainingFacts) -> Finding:
    return run_checks(facts)[0]


def text(finding: Finding) -> str:
    said: list[str | Message] = [finding.title, *finding.evidence, *(r.action for r in finding.remedies)]
    return " ".join(map(in_english, said))


FOUND: dict[str, tuple[dict[str, Any], float | None, str]] = {
    "padding": (
        {
            "tokens": tokens(computed_tokens=800_000),
            "factors": (cost("padding", 4.0),),
        },
        0.75,
        "88% of the computed tokens are padding",
    ),
    "recomputation": (
        {"recomputed_ratio": 1.0, "factors": (cost("gradient_checkpointing", 1.25),)},
        0.2,
        "1.25 times as long",
    ),
    "fp32-compute": (
        {"compute_dtype": "float32", "factors": (cost("precision", 4.0),)},
        0.75,
        "4 times as long as in bfloat16",
    ),
    "dequantizing": (
        {"step": split(dequantizing=0.8, forward=0.5)},
        0.2,
        "40% of a step goes into dequantizing",
    ),
    "head": (
        {"step": split(head_and_loss=0.8), "tokens": tokens(target_tokens=10_200)},
        0.36,
        "Logits of 102,000 tokens are computed, and 10,200 of",
    ),
    "slow-loading": (
        {"step": split(data=0.5, forward=0.7)},
        0.25,
        "0.50 s of 2.00 s, with dataloader_num_workers at 0",
    ),
    "frequent-validation": (
        evaluated(1000, 500.0),
        None,
        "1,000 evaluations in 1,000 steps take 500.0 s, each 0.50 s",
    ),
    "frequent-saving": (
        {"between_counts": {"saving": 1000}, "between_seconds": {"saving": 1000.0}},
        None,
        "Save every 10 steps",
    ),
    "cut-answers": (
        {"tokens": tokens(cut_answers=30, lost_answers=10)},
        None,
        "Answers not learned to their end: 40 of 1,000",
    ),
    "truncated-rows": (
        {"tokens": tokens(truncated_rows=80, lost_tokens=25_000)},
        None,
        "Rows that are cut: 80 of 1,000 25,000 tokens are lost, 20% of all",
    ),
    "throttled-card": (
        {"device": card(clock_hertz=0.75e9, throttle_reasons=("thermal",))},
        0.5,
        "clock fell from 1,500 to 750 MHz. The driver gives as the reason: thermal.",
    ),
    "spill": (
        {"device": card(shared_memory_bytes=2_000_000_000), "predictions": predicted(0.5)},
        0.75,
        "1.95 GB of the card's data moved into main memory",
    ),
    "shared-card": (
        {"device": card(other_processes_bytes=2_000_000_000)},
        None,
        "Another process holds 2.00 GB of the card's memory",
    ),
    "processor-limit": (
        {
            "pressure": pressed(processor_limit=0.5, processor_throttled_ratio=0.9),
            "processor": used(waited_ratio=0.5, processors=0.5),
        },
        0.5,
        "The limit of 0.5 processors was used up in 90%",
    ),
    "busy-processor": (
        {"device": PROCESSOR, "processor": used(waited_ratio=0.4, others_processors=3.0)},
        0.4,
        "use 3 of 4 processors",
    ),
    "host-bound": (
        {"device": card(busy_ratio=0.4), "factors": (cost("batch_size", 1.6),)},
        0.375,
        "In 60% of a step no kernel runs",
    ),
    "swapping": (
        {"pressure": pressed(swapped_in_bytes=500_000_000, memory_stalled_ratio=0.3)},
        0.3,
        "500 MB were fetched back",
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", FOUND)
def test_a_cause_is_found_first_with_its_gain_and_its_numbers(check: str) -> None:
    changes, saves_ratio, says = FOUND[check]
    found = first(healthy(**changes))
    assert (found.id, found.severity) == (check, "warning")
    assert says in text(found)
    assert found.remedies
    if saves_ratio is not None:
        assert found.saves_seconds == pytest.approx(saves_ratio * STEP_SECONDS, rel=0.01)


def test_every_check_has_a_cause_here() -> None:
    assert FOUND.keys() == {check.id for check in CHECKS}


def test_a_check_explains_only_what_there_is() -> None:
    ids = {check.id for check in CHECKS}
    assert {name for check in CHECKS for name in check.explains} <= ids


def test_a_healthy_run_has_no_finding() -> None:
    assert run_checks(HEALTHY) == ()
    assert run_checks(healthy(settings=None, device=PROCESSOR)) == ()


NOT_FOUND: dict[str, dict[str, Any]] = {
    "padding that costs next to nothing": {"factors": (cost("padding", 1.02),), "tokens": tokens()},
    "recomputation that memory needs": {
        "recomputed_ratio": 1.0,
        "factors": (cost("gradient_checkpointing", 1.25, basis="does_not_fit"),),
    },
    "a card at its power limit with its clock": {"device": card(throttle_reasons=("power",))},
    "a lower clock without a reason": {"device": card(clock_hertz=0.75e9, throttle_reasons=())},
    "pinned memory": {
        "device": card(shared_memory_bytes=600_000_000, shared_memory_start_bytes=600_000_000)
    },
    "a full card that is as quick as predicted": {
        "device": card(free_bytes=100_000_000, power_watts=30), "predictions": predicted(1.9)
    },
    "a full card that is hot": {"device": card(free_bytes=100_000_000), "predictions": predicted(0.5)},
    "others that leave enough": {"processor": used(waited_ratio=0.02, others_processors=2.0)},
    "own threads in each other's way": {"processor": used(waited_ratio=0.5, others_processors=0.1)},
    "a limit that is seldom reached": {"pressure": pressed(processor_throttled_ratio=0.05)},
    "stalls without swap": {
        "pressure": pressed(memory_stalled_ratio=0.5), "machine_memory": None
    },
    "dequantizing of a full micro-batch": {"step": split(dequantizing=0.2)},
    "a head that only computes targets": {"step": split(head_and_loss=1.0), "settings": None},
    "a loader whose workers hide it": {
        "step": split(data=0.5),
        "settings": {**(HEALTHY.settings or {}), "dataloader_num_workers": 2},
    },
    "an evaluation each epoch": evaluated(3, 30.0),
    "a second of loading in a whole run": {"step": split(data=0.5), "total_steps": 2, "between_seconds": {}},
}  # fmt: skip


@pytest.mark.parametrize("facts", NOT_FOUND.values(), ids=NOT_FOUND)
def test_what_is_no_cause_is_not_found(facts: dict[str, Any]) -> None:
    assert run_checks(healthy(**facts)) == ()


def test_without_a_counter_a_full_cool_card_far_slower_than_predicted_has_spilled() -> None:
    device = card(free_bytes=100_000_000, power_watts=30, shared_memory_bytes=None)
    found = first(healthy(device=device, predictions=predicted(0.5)))
    assert found.id == "spill"
    assert "100 MB free" in text(found)
    assert found.saves_seconds == pytest.approx(1.5)


def test_few_rows_cut_are_an_info() -> None:
    found = run_checks(healthy(tokens=tokens(truncated_rows=3, lost_tokens=30, cut_answers=3)))
    assert [(one.id, one.severity) for one in found] == [("cut-answers", "info"), ("truncated-rows", "info")]


def test_seconds_between_steps_are_spread_over_the_steps() -> None:
    found = first(healthy(**evaluated(1000, 1000.0)))
    assert found.costs_seconds == pytest.approx(1.0)
    assert found.saves_seconds == pytest.approx(0.9)  # every 10 steps 1 s: 5 % of 20 s
    assert "eval_steps" in text(found)
    assert "Evaluation takes 33% of the run" in text(found)


def test_an_evaluation_each_epoch_or_longer_than_the_run_is_answered_with_fewer_rows() -> None:
    for facts in (healthy(total_steps=10, **evaluated(10, 100.0)), healthy(**evaluated(3, 900.0))):
        assert "fewer rows" in text(first(facts))
        assert "eval_steps" not in text(first(facts))


def test_a_single_checkpoint_at_the_end_is_not_too_many() -> None:
    facts: dict[str, Any] = {
        "total_steps": 2,
        "between_counts": {"saving": 1},
        "between_seconds": {"saving": 9.0},
    }
    assert run_checks(healthy(**facts)) == ()
    facts["between_counts"] = {"saving": 3}
    assert "TUNEDOCK_CHECKPOINT_SECONDS" in text(first(healthy(settings=None, **facts)))


def test_the_rows_of_a_validation_are_told_as_assumed_only_in_a_diagnosis() -> None:
    assert "a tenth of the data set" in text(first(healthy(**evaluated(1000, 900.0))))
    assert "a tenth of" not in text(first(healthy(**{**evaluated(1000, 900.0), "settings": None})))


def test_what_takes_the_processor_goes_before_what_follows_from_it() -> None:
    facts = healthy(
        device=PROCESSOR,
        step=split(data=1.2),
        processor=used(waited_ratio=0.15, others_processors=3.0),
        factors=(cost("batch_size", 1.6),),
    )
    assert [found.id for found in run_checks(facts)] == ["busy-processor", "slow-loading", "host-bound"]


def test_others_on_the_card_go_before_the_spill_that_they_bring() -> None:
    device = card(shared_memory_bytes=2_000_000_000, other_processes_bytes=3_000_000_000)
    found = run_checks(healthy(device=device, predictions=predicted(0.5)))
    assert [one.id for one in found] == ["shared-card", "spill"]


def test_findings_are_ranked_by_what_they_save_of_a_step() -> None:
    facts = healthy(
        tokens=tokens(computed_tokens=200_000),
        recomputed_ratio=1.0,
        factors=(cost("gradient_checkpointing", 1.25), cost("padding", 1.9)),
        **evaluated(1000, 3000.0),
    )
    ids = [found.id for found in run_checks(facts)]
    assert ids == ["frequent-validation", "padding", "recomputation"]


def test_a_step_of_milliseconds_is_ranked_by_shares_as_well() -> None:
    small = StepSplit(step_seconds=0.02, phase_seconds={"data": 0.001}, steps=9, how="timers")
    facts = healthy(
        step=small,
        total_steps=100_000,
        tokens=tokens(computed_tokens=200_000, truncated_rows=100, lost_tokens=100),
        factors=(cost("padding", 1.9),),
        between_seconds={},
    )
    found = run_checks(facts)
    assert [one.id for one in found] == ["padding", "truncated-rows", "slow-loading"]
    assert found[0].saves_seconds == pytest.approx(0.02 * (1 - 1 / 1.9))


def told(facts: TrainingFacts) -> dict[str, tuple[str, str]]:
    return {
        done.id: (str(done.outcome), in_english(done.words)) for done in outcomes(facts, run_checks(facts))
    }


def test_a_check_that_found_nothing_is_told_in_words_as_passed_or_with_the_reason() -> None:
    done = told(healthy(device=PROCESSOR))
    assert done.keys() == {check.id for check in CHECKS}
    assert all(words.strip() != check for check, (_, words) in done.items())
    assert done["padding"] == ("passed", "Rows padded with tokens that carry no text.")
    assert done["spill"][0] == "not_checked"
    assert done["spill"][1].endswith("There is no graphics card.")
    assert done["head"][1].endswith("No timer measured this part of a step.")
    assert "padding" not in told(healthy(**FOUND["padding"][0]))


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("fp32-compute", {"compute_dtype": "float32", "factors": ()}),
        ("recomputation", {"recomputed_ratio": 1.0, "factors": ()}),
        ("host-bound", {"device": card(busy_ratio=None), "factors": ()}),
        ("busy-processor", {"processor": used(waited_ratio=None)}),
        ("processor-limit", {"pressure": None}),
        ("swapping", {"pressure": pressed(swapped_in_bytes=None)}),
        ("slow-loading", {"step": split(forward=1.0)}),
        ("throttled-card", {"device": card(clock_start_hertz=None)}),
        ("shared-card", {"device": card(memory_bytes=None)}),
    ],
)
def test_what_the_facts_lack_is_not_called_passed(check: str, changes: dict[str, Any]) -> None:
    assert told(healthy(**changes))[check][0] == "not_checked"
    assert told(HEALTHY)[check][0] == "passed"


def test_padding_by_batch_is_answered_with_grouping_and_to_a_maximum_with_the_longest_row() -> None:
    facts = {"tokens": tokens(computed_tokens=200_000), "factors": (cost("padding", 1.9),)}
    assert "group_by_length" in text(first(healthy(**facts)))
    padded = {**(HEALTHY.settings or {}), "padding": "max_length"}
    assert "Pad each micro-batch to its longest row" in text(first(healthy(settings=padded, **facts)))


def test_recomputation_that_was_only_predicted_is_not_said_to_be_measured() -> None:
    costs = [cost("gradient_checkpointing", 1.25, basis=basis) for basis in ("measured", "predicted")]
    measured, predicted = (text(first(healthy(recomputed_ratio=1.0, factors=(one,)))) for one in costs)
    assert "measured in 9 rounds" in measured
    assert "rounds" not in predicted
    assert "are predicted: there was no time to try it" in predicted


def test_a_run_of_our_own_has_padding_and_recomputation_found_without_a_trial() -> None:
    facts: dict[str, Any] = {
        "settings": None, "factors": (), "recomputed_ratio": 1.0,
        "tokens": tokens(computed_tokens=400_000), "step": split(recomputation=0.5),
    }  # fmt: skip
    found = run_checks(healthy(plan={"name": "baseline"}, **facts))
    assert [one.id for one in found] == ["padding", "recomputation"]
    assert found[1].saves_seconds == pytest.approx(0.5)
    assert "plan auto" in text(found[0])
    assert run_checks(healthy(plan={"name": "auto"}, **facts)) == ()
