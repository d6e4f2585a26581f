"""What each setting costs: from what was timed and counted to one row of the report each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.worker.explaining import trial_arms as names
from services.worker.explaining.rounds import Rounds
from services.worker.explaining.row_lengths import computed
from services.worker.explaining.settings_arm import AS_CONFIGURED
from services.worker.explaining.trial_arms import TrialArms
from shared.messages.message import Message, say
from shared.reports.training_facts import Factor, FactorCost, PathStep
from shared.training_settings.settings import TrainingSettings


@dataclass(frozen=True)
class Measured:
    """All that the costs are made from. Seconds are of one step; `optimizer_seconds` of its update alone."""

    settings: TrainingSettings
    trials: TrialArms
    rounds: Rounds
    lengths: Sequence[int]
    optimizer_seconds: float
    total_steps: int
    layers: int

    @property
    def step_seconds(self) -> float:
        return self.seconds(AS_CONFIGURED)

    def seconds(self, name: str) -> float:
        """A whole step by an arm: its rows, scaled to those of a step by tokens, and the update."""
        rows = self.settings.rows_per_step
        timed = self.rounds.seconds(name, rows)
        if name in self.trials.settings:
            tokens = self.tokens_of_a_row(self.trials.settings[name])
            timed *= tokens / self.rounds.computed_tokens_of_a_row(name)
        return timed + self.optimizer_seconds

    def tokens_of_a_row(self, settings: TrainingSettings) -> float:
        """Computed tokens over the whole data set, by row."""
        return computed(self.lengths, settings, settings.padding).tokens / len(self.lengths)


def factor_costs(measured: Measured) -> tuple[FactorCost, ...]:
    """Those with the largest gain first; costs and what can't be told last."""
    costs = [
        *_timed(measured), *_grouped(measured), _accumulation(measured), _data_loading(measured),
        _model_size(measured),
    ]  # fmt: skip
    return tuple(sorted(costs, key=lambda cost: -cost.saves_ratio))


def path(measured: Measured) -> tuple[PathStep, ...]:
    """From the settings to the plan `auto`, by way of what HF Trainer itself can be set to."""
    timed = measured.rounds.timed
    stations = [AS_CONFIGURED, names.UNPADDED, names.BOTH, names.AUTO]
    return tuple(
        PathStep(
            change=name,
            step_seconds=measured.seconds(name),
            run_seconds=measured.seconds(name) * measured.total_steps,
        )
        for name in stations
        if name in timed
    )


def _timed(measured: Measured) -> Iterator[FactorCost]:
    settings, trials = measured.settings, measured.trials.settings
    is_on = settings.gradient_checkpointing
    yield _cost(
        measured, "gradient_checkpointing", names.RECOMPUTING,
        "on" if is_on else "off",
        "off" if is_on else "on",
        advice=say("advice-checkpointing-off") if is_on else say("advice-checkpointing-on"),
    )  # fmt: skip
    if names.LARGER in trials:
        yield _cost(
            measured, "batch_size", names.LARGER,
            str(settings.per_device_train_batch_size),
            str(trials[names.LARGER].per_device_train_batch_size),
            advice=say("advice-batch-size"),
        )  # fmt: skip
    if names.UNPADDED in trials:
        yield _cost(
            measured, "padding", names.UNPADDED, f"max_length ({settings.max_seq_length})", "longest",
            advice=say("advice-padding"),
        )  # fmt: skip
    if names.SHORTER in trials:
        longest = trials[names.SHORTER].max_seq_length
        cut = sum(length > longest for length in measured.lengths)
        yield _cost(
            measured, "sequence_length", names.SHORTER, str(settings.max_seq_length), str(longest),
            same_learning=not cut,
            advice=say("advice-shorter-cuts", rows=cut, length=longest) if cut else say("advice-shorter"),
        )  # fmt: skip
    if names.BF16 in trials:
        yield _cost(
            measured, "precision", names.BF16, "float32", "bfloat16", same_learning=False,
            advice=say("advice-bf16"),
        )  # fmt: skip


def _cost(
    measured: Measured,
    factor: Factor,
    name: str,
    as_is: str,
    changed: str,
    *,
    advice: Message,
    same_learning: bool = True,
) -> FactorCost:
    """Of an arm: the ratio is of the paired rounds, which is surer than that of the two medians."""
    interval = measured.rounds.ratio(AS_CONFIGURED, name)
    return FactorCost(
        factor=factor,
        as_is=as_is,
        changed=changed,
        basis="measured",
        as_is_seconds=measured.step_seconds,
        changed_seconds=measured.seconds(name),
        ratio=interval.median,
        ratio_low=interval.low,
        ratio_high=interval.high,
        rounds=interval.rounds,
        as_is_peak_bytes=measured.rounds.peak_bytes(AS_CONFIGURED),
        changed_peak_bytes=measured.rounds.peak_bytes(name),
        same_learning=same_learning,
        advice=advice,
    )


def _grouped(measured: Measured) -> Iterator[FactorCost]:
    """Rows of like length together: counted, since only the order of rows changes."""
    settings = measured.settings
    if settings.padding != "longest":
        return
    grouped = settings.model_copy(update={"padding": "group_by_length"})
    share = measured.tokens_of_a_row(grouped) / measured.tokens_of_a_row(settings)
    yield _counted(
        measured, "padding", "longest", "group_by_length",
        (measured.step_seconds - measured.optimizer_seconds) * share + measured.optimizer_seconds,
        same_learning=False,
        advice=say("advice-grouping"),
    )  # fmt: skip


def _accumulation(measured: Measured) -> FactorCost:
    """A step is one update and n micro-batches, so half as many cost half the micro-batches and a whole
    update: by row, the update twice as often.
    """
    n = measured.settings.gradient_accumulation_steps
    computing = measured.step_seconds - measured.optimizer_seconds
    twice = computing + measured.optimizer_seconds / 2
    return _counted(
        measured, "gradient_accumulation", str(n), str(2 * n), twice,
        same_learning=False,
        advice=say("advice-accumulation", update_seconds=measured.optimizer_seconds),
    )  # fmt: skip


def _data_loading(measured: Measured) -> FactorCost:
    settings, timed = measured.settings, measured.rounds.timed[AS_CONFIGURED]
    data = settings.rows_per_step * sum(one.data_seconds for one in timed) / sum(one.rows for one in timed)
    hidden = 0.0 if settings.dataloader_num_workers else data
    return _counted(
        measured, "data_loading", str(settings.dataloader_num_workers), "2", measured.step_seconds - hidden,
        advice=say("advice-loading", data_seconds=data),
    )  # fmt: skip


def _model_size(measured: Measured) -> FactorCost:
    """Half of the layers, left out for a while: what one takes, and what no layer does."""
    whole, half = measured.seconds(AS_CONFIGURED), _half_seconds(measured)
    left_out = measured.layers - max(1, measured.layers // 2)
    layer = max(0.0, whole - half) / max(1, left_out)
    return _counted(
        measured, "model_size", str(measured.layers), str(max(1, measured.layers // 2)), half,
        same_learning=False,
        advice=say(
            "advice-model-size", layer_seconds=layer, rest_seconds=max(0.0, whole - layer * measured.layers)
        ),
    )  # fmt: skip


def _half_seconds(measured: Measured) -> float:
    """Scaled as the settings' own arm is, which it is but for the layers."""
    ratio = measured.rounds.ratio(AS_CONFIGURED, names.HALF).median
    computing = measured.step_seconds - measured.optimizer_seconds
    return computing / ratio + measured.optimizer_seconds


def _counted(
    measured: Measured,
    factor: Factor,
    as_is: str,
    changed: str,
    seconds: float,
    *,
    advice: Message,
    same_learning: bool = True,
) -> FactorCost:
    return FactorCost(
        factor=factor,
        as_is=as_is,
        changed=changed,
        basis="counted",
        as_is_seconds=measured.step_seconds,
        changed_seconds=seconds,
        ratio=measured.step_seconds / seconds,
        same_learning=same_learning,
        advice=advice,
    )
