"""What each setting costs: from what was timed and counted to one row of the report each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.worker.explaining import trial_arms as names
from services.worker.explaining.intervals import Interval
from services.worker.explaining.rounds import Rounds
from services.worker.explaining.row_lengths import computed
from services.worker.explaining.settings_arm import AS_CONFIGURED
from services.worker.explaining.trial_arms import TrialArms
from shared.messages.message import Message, say
from shared.reports.training_facts import Factor, FactorCost, PathStep
from shared.training_settings.settings import TrainingSettings

SHORTENED = 1.1  # below it the model did not leave its layers out, see `half_the_layers`


@dataclass(frozen=True)
class Measured:
    """All that the costs are made from. Seconds are of one step; `optimizer_seconds` of its update alone."""

    settings: TrainingSettings
    trials: TrialArms
    rounds: Rounds
    lengths: Sequence[int]
    optimizer_seconds: float
    total_steps: int
    rows_per_step: int
    layers: int

    @property
    def step_seconds(self) -> float:
        return self.computing_seconds + self.optimizer_seconds

    @property
    def computing_seconds(self) -> float:
        """Of the settings' own step, without the update."""
        return self._scale(AS_CONFIGURED) * self.rounds.seconds(AS_CONFIGURED, self.rows_per_step)

    def ratio(self, name: str) -> Interval:
        """How many times faster an arm computes the rows of the whole data set than the settings' own does.

        Of the paired rounds, which is surer than that of two medians; scaled by the tokens that the data set
        has for each token that was tried.
        """
        interval = self.rounds.ratio(AS_CONFIGURED, name)
        scale = self._scale(AS_CONFIGURED) / self._scale(name)
        return Interval(interval.median * scale, interval.low * scale, interval.high * scale, interval.rounds)

    def seconds(self, name: str) -> float:
        """A whole step by an arm: its rows and the update."""
        return self.computing_seconds / self.ratio(name).median + self.optimizer_seconds

    def _scale(self, name: str) -> float:
        if name not in self.trials.settings:
            return 1.0
        tokens = self.tokens_of_a_row(self.trials.settings[name])
        return tokens / self.rounds.computed_tokens_of_a_row(name)

    def tokens_of_a_row(self, settings: TrainingSettings) -> float:
        """Computed tokens over the whole data set, by row."""
        return computed(self.lengths, settings, settings.padding).tokens / len(self.lengths)


def factor_costs(measured: Measured) -> tuple[FactorCost, ...]:
    """Those with the largest gain first; costs and what can't be told last."""
    costs = [
        *_timed(measured), *_grouped(measured), _accumulation(measured), _data_loading(measured),
        *_model_size(measured),
    ]  # fmt: skip
    return tuple(sorted(costs, key=lambda cost: -cost.saves_ratio))


def path(measured: Measured) -> tuple[PathStep, ...]:
    """From the settings to the plan `auto`, by way of what HF Trainer itself can be set to."""
    timed = measured.rounds.timed
    last = names.BOTH if names.BOTH in timed else names.RECOMPUTING
    stations = [
        names.UNPADDED, *([last] if measured.settings.gradient_checkpointing else []), names.AUTO
    ]  # fmt: skip
    seconds = {AS_CONFIGURED: measured.step_seconds} | {
        name: measured.seconds(name) for name in stations if name in timed
    }
    return tuple(
        PathStep(change=name, step_seconds=took, run_seconds=took * measured.total_steps)
        for name, took in seconds.items()
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
    """Of an arm; where it was not tried, with the reason."""
    rounds = measured.rounds
    if name not in rounds.timed:
        return _not_timed(measured, factor, name, as_is, changed, advice, same_learning=same_learning)
    interval = measured.ratio(name)
    whole = measured.step_seconds

    def step_ratio(ratio: float) -> float:
        """With the update, which no arm makes faster."""
        return whole / (measured.computing_seconds / ratio + measured.optimizer_seconds)

    return FactorCost(
        factor=factor,
        as_is=as_is,
        changed=changed,
        basis="measured",
        as_is_seconds=whole,
        changed_seconds=measured.seconds(name),
        ratio=step_ratio(interval.median),
        ratio_low=step_ratio(interval.low),
        ratio_high=step_ratio(interval.high),
        rounds=interval.rounds,
        as_is_peak_bytes=rounds.peak_bytes(AS_CONFIGURED),
        changed_peak_bytes=rounds.peak_bytes(name),
        same_learning=same_learning,
        advice=advice,
    )


def _not_timed(
    measured: Measured,
    factor: Factor,
    name: str,
    as_is: str,
    changed: str,
    advice: Message,
    *,
    same_learning: bool,
) -> FactorCost:
    """Of an arm that was not tried: what it would take, where that can be told; why it was not tried stands
    before the advice.
    """
    rounds, seconds = measured.rounds, _foretold_seconds(measured, factor, name)
    too_large, peak = name in rounds.too_large, rounds.too_large.get(name)
    why = say("advice-no-time")
    if too_large:
        why = say("advice-too-large") if peak is None else say("advice-too-large-peak", peak_bytes=peak)
    return FactorCost(
        factor=factor,
        as_is=as_is,
        changed=changed,
        basis="does_not_fit" if too_large else "not_tried" if seconds is None else "predicted",
        as_is_seconds=measured.step_seconds,
        changed_seconds=seconds,
        ratio=None if seconds is None else measured.step_seconds / seconds,
        as_is_peak_bytes=rounds.peak_bytes(AS_CONFIGURED),
        changed_peak_bytes=peak,
        same_learning=same_learning,
        advice=say("advice-untried", why=why, advice=advice),
    )


def _foretold_seconds(measured: Measured, factor: Factor, name: str) -> float | None:
    """A whole step: by the tokens that an arm computes, and by what it computes again. None where its seconds
    follow from neither.
    """
    settings = measured.trials.settings[name]
    share = measured.tokens_of_a_row(settings) / measured.tokens_of_a_row(measured.settings)
    if factor in ("padding", "sequence_length"):
        return measured.computing_seconds * share + measured.optimizer_seconds
    if factor == "gradient_checkpointing" and (again := _recomputed_share(measured)) is not None:
        sign = 1 if settings.gradient_checkpointing else -1
        return measured.computing_seconds * (1 + sign * again) + measured.optimizer_seconds
    return None


def _recomputed_share(measured: Measured) -> float | None:
    """Of the settings' own micro-batches, what is computed again, or would be: a second forward pass. None
    where it was not timed.
    """
    is_on = measured.settings.gradient_checkpointing
    timed = measured.rounds.timed[AS_CONFIGURED]
    seconds = [one.phase_seconds.get("recomputation" if is_on else "forward", 0.0) for one in timed]
    return sum(seconds) / sum(one.seconds for one in timed) if any(seconds) else None


def _grouped(measured: Measured) -> Iterator[FactorCost]:
    """Rows of like length together: counted, since only the order of rows changes."""
    settings = measured.settings
    if settings.padding != "longest":
        return
    grouped = settings.model_copy(update={"padding": "group_by_length"})
    share = measured.tokens_of_a_row(grouped) / measured.tokens_of_a_row(settings)
    yield _counted(
        measured, "padding", "longest", "group_by_length",
        measured.computing_seconds * share + measured.optimizer_seconds,
        same_learning=False,
        advice=say("advice-grouping"),
    )  # fmt: skip


def _accumulation(measured: Measured) -> FactorCost:
    """A step is one update and n micro-batches, so half as many cost half the micro-batches and a whole
    update: by row, the update twice as often.
    """
    n = measured.settings.gradient_accumulation_steps
    twice = measured.computing_seconds + measured.optimizer_seconds / 2
    return _counted(
        measured, "gradient_accumulation", str(n), str(2 * n), twice,
        same_learning=False,
        advice=say("advice-accumulation", update_seconds=measured.optimizer_seconds),
    )  # fmt: skip


def _data_loading(measured: Measured) -> FactorCost:
    settings, timed = measured.settings, measured.rounds.timed[AS_CONFIGURED]
    data = measured.rows_per_step * sum(one.data_seconds for one in timed) / sum(one.rows for one in timed)
    hidden = 0.0 if settings.dataloader_num_workers else data
    return _counted(
        measured, "data_loading", str(settings.dataloader_num_workers), "2", measured.step_seconds - hidden,
        advice=say("advice-loading", data_seconds=data),
    )  # fmt: skip


def _model_size(measured: Measured) -> Iterator[FactorCost]:
    """Half of the layers, left out for a while: what one takes, and what no layer does."""
    if names.HALF not in measured.rounds.timed:
        return
    ratio = measured.rounds.ratio(AS_CONFIGURED, names.HALF).median
    if ratio < SHORTENED:
        return
    whole = measured.step_seconds
    half = measured.computing_seconds / ratio
    half += measured.optimizer_seconds
    left = max(1, measured.layers // 2)
    layer = max(0.0, whole - half) / max(1, measured.layers - left)
    yield _counted(
        measured, "model_size", str(measured.layers), str(left), half,
        same_learning=False,
        advice=say(
            "advice-model-size", layer_seconds=layer, rest_seconds=max(0.0, whole - layer * measured.layers)
        ),
    )  # fmt: skip


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
