"""From timed rounds to what each setting costs: arithmetic alone, on times made up here."""

from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig

from services.worker.computing.plan.plan import Plan
from services.worker.explaining import fitting
from services.worker.explaining import trial_arms as names
from services.worker.explaining.arm import Arm, Timed
from services.worker.explaining.factors import factor_costs, path
from services.worker.explaining.fitting import at_most_bytes, too_large_arms
from services.worker.explaining.measured import Measured
from services.worker.explaining.packing import rows_at_once, rows_of_a_step
from services.worker.explaining.rounds import Rounds
from services.worker.explaining.settings_arm import AS_CONFIGURED
from services.worker.explaining.trial_arms import trial_arms
from shared.messages.render import told
from shared.reports.training_facts import FactorCost, MemoryParts
from shared.training_settings.settings import TrainingSettings

SETTINGS = TrainingSettings(per_device_train_batch_size=2, gradient_accumulation_steps=4, max_seq_length=100)
LENGTHS = [20, 40] * 8
UPDATE = 1.0
# Seconds of a row by arm; a step has 8 rows.
SECONDS = {
    AS_CONFIGURED: 10.0, names.UNPADDED: 4.0, names.RECOMPUTING: 8.0, names.BOTH: 3.0,
    names.LARGER: 10.0, names.SHORTER: 5.0, names.HALF: 6.0, names.AUTO: 1.0,
}  # fmt: skip


def timed(name: str) -> Timed:
    tokens = {names.UNPADDED: 40, names.BOTH: 40, names.SHORTER: 40}.get(name, 100)
    seconds = 2 * SECONDS[name]
    return Timed(
        seconds=seconds, processor_seconds=seconds, rows=2, micro_batches=1,
        phase_seconds={"data": 0.25, "rest": seconds - 0.25},
        computed_tokens=2 * tokens, real_tokens=60, peak_bytes=1000, loss=1.0,
    )  # fmt: skip


def measured(*, without: tuple[str, ...] = (), too_large: dict[str, int | None] | None = None) -> Measured:
    trials = trial_arms(SETTINGS, auto=Plan("auto", 512, False), lengths=LENGTHS)
    large = too_large or {}
    tried = [name for name in SECONDS if name not in (*without, *large)]
    rounds = Rounds({name: [timed(name)] * 5 for name in tried}, left_out=without, too_large=large)
    return Measured(
        settings=SETTINGS, trials=trials, rounds=rounds, lengths=LENGTHS, optimizer_seconds=UPDATE,
        total_steps=6, rows_per_step=8, layers=4,
    )  # fmt: skip


def costs(found: Measured) -> dict[str, FactorCost]:
    return {cost.factor: cost for cost in factor_costs(found)}


def test_a_step_is_its_rows_and_one_update() -> None:
    found = costs(measured())["gradient_checkpointing"]
    assert (found.as_is_seconds, found.changed_seconds) == (8 * 10.0 + UPDATE, 8 * 8.0 + UPDATE)
    assert found.ratio == pytest.approx(81 / 65)
    assert (found.ratio_low, found.ratio_high) == (found.ratio, found.ratio)
    assert found.basis == "measured"


def test_what_was_tried_on_some_rows_is_scaled_to_the_tokens_of_all() -> None:
    """The rows tried were padded to 40 tokens; over the whole data set a row takes 20 to 40."""
    found = measured()
    tokens = found.tokens_of_a_row(found.trials.settings[names.UNPADDED])
    assert costs(found)["padding"].changed_seconds == pytest.approx(8 * 4.0 * tokens / 40 + UPDATE)


def test_a_layer_takes_the_difference_that_half_of_them_makes() -> None:
    found = costs(measured())["model_size"]
    assert found.changed_seconds == 8 * 6.0 + UPDATE
    assert "One layer takes 16.0 s" in told(found.advice)  # 8 · (10 − 6) ÷ 2
    assert "17.0 s" in told(found.advice)  # 81 − 4 · 16


def test_an_update_is_had_half_as_often_by_twice_the_accumulation() -> None:
    found = costs(measured())["gradient_accumulation"]
    assert (found.basis, found.changed_seconds) == ("counted", 80 + UPDATE / 2)
    assert not found.same_learning


def test_what_there_was_no_time_or_memory_for_is_foretold_by_tokens_or_not_at_all() -> None:
    found = costs(measured(without=(names.UNPADDED, names.LARGER), too_large={names.RECOMPUTING: None}))
    padding, batch, twice = (
        found[name] for name in ("padding", "batch_size", "gradient_checkpointing")
    )  # fmt: skip
    assert (padding.basis, batch.basis, twice.basis) == ("predicted", "not_tried", "does_not_fit")
    assert padding.ratio is not None
    assert padding.ratio > 2
    assert (batch.ratio, twice.ratio) == (None, None)
    assert "a higher value for minutes" in told(batch.advice)
    assert "more memory than is available" in told(twice.advice)


def test_what_does_not_fit_is_foretold_with_its_memory_and_without_what_is_computed_again() -> None:
    found = measured(too_large={names.RECOMPUTING: 6_000_000_000})
    timed_again = replace(
        timed(AS_CONFIGURED), phase_seconds={"forward": 6.0, "recomputation": 5.0, "backward": 9.0}
    )
    found.rounds.timed[AS_CONFIGURED] = [timed_again] * 5
    twice = costs(found)["gradient_checkpointing"]
    assert twice.basis == "does_not_fit"
    assert twice.changed_seconds == pytest.approx(8 * 10.0 * 0.75 + UPDATE)  # 5 of 20 s less
    assert twice.changed_peak_bytes == 6_000_000_000
    assert "6.00 GB" in told(twice.advice)


def test_an_arm_is_counted_only_where_it_might_not_fit_and_left_out_where_it_would_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, vocab_size=1000)
    arms = [Arm(str(tokens), Plan("explicit", tokens, False)) for tokens in (10, 100, 1000)]
    assert at_most_bytes(arms[0].plan, config) == 10 * (2 * (16 * 64 + 6 * 128) * 4 + 1000 * 16)
    counted = list[str]()

    def count(arm: Arm) -> MemoryParts:
        counted.append(arm.name)
        return MemoryParts(peak=3_000 * arm.plan.tokens_per_micro_batch, limit=1_000_000)

    monkeypatch.setattr(fitting, "free_memory_bytes", lambda device: 1_000_000)
    found = too_large_arms(arms, config, torch.device("cpu"), count)
    assert counted == ["100", "1000"]
    assert found == {"1000": 3_000_000}


def test_the_way_to_auto_adds_up_what_was_timed() -> None:
    found = measured()
    assert [station.change for station in path(found)] == [
        AS_CONFIGURED, names.UNPADDED, names.BOTH, names.AUTO,
    ]  # fmt: skip
    last = path(found)[-1]
    assert (last.step_seconds, last.run_seconds) == (9.0, 54.0)


def test_rounds_that_others_disturbed_don_t_count_where_enough_are_calm() -> None:
    calm = [timed(AS_CONFIGURED)] * 5
    slow = replace(timed(AS_CONFIGURED), seconds=200.0)
    rounds = Rounds({
        AS_CONFIGURED: [*calm, slow], names.AUTO: [timed(names.AUTO)] * 6,
    })  # fmt: skip
    assert rounds.ratio(AS_CONFIGURED, names.AUTO).rounds == 5
    assert rounds.token_seconds(AS_CONFIGURED) == 0.1


def test_a_few_long_rows_among_those_tried_don_t_change_what_padding_costs() -> None:
    """By row the median of the rounds is 0.05 s, and their mean 0.1 s."""
    short = replace(timed(names.UNPADDED), seconds=0.1, processor_seconds=0.1, computed_tokens=40)
    long = replace(timed(names.UNPADDED), seconds=0.5, processor_seconds=0.5, computed_tokens=200)
    found = measured()
    found.rounds.timed[names.UNPADDED] = [short, short, long, short, short, short]
    found.rounds.timed[AS_CONFIGURED] = [timed(AS_CONFIGURED)] * 6
    tokens = found.tokens_of_a_row(found.trials.settings[names.UNPADDED])
    by_token = 0.1 / 40
    assert found.ratio(names.UNPADDED).median == pytest.approx(10.0 / (by_token * tokens))
    assert found.ratio(names.UNPADDED).width == pytest.approx(0)


@pytest.mark.parametrize(("rows", "step", "at_once"), [(1, 1, 1), (5, 5, 2), (100, 8, 2)])
def test_a_step_has_no_more_rows_than_there_are(rows: int, step: int, at_once: int) -> None:
    lengths = [20] * rows
    assert rows_of_a_step(lengths, SETTINGS) == step
    assert rows_at_once(lengths, SETTINGS) == at_once


def test_short_rows_are_tried_in_two_micro_batches_where_they_are_not_padded() -> None:
    def rows_by(lengths: list[int]) -> dict[str, int | None]:
        arms = trial_arms(SETTINGS, auto=Plan("auto", 512, False), lengths=lengths).arms
        return {arm.name: arm.rows for arm in arms}

    short, full = rows_by([20, 40] * 8), rows_by([100] * 16)
    assert (short[AS_CONFIGURED], short[names.UNPADDED], short[names.BOTH]) == (2, 4, 4)
    assert {full[name] for name in (AS_CONFIGURED, names.UNPADDED, names.BOTH)} == {2}
    assert short[names.LARGER] == full[names.LARGER] == 4
