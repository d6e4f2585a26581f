"""What each setting costs: from what was timed and counted to one row of the report each."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.worker.explaining import trial_arms as names
from services.worker.explaining.measured import Measured
from services.worker.explaining.settings_arm import AS_CONFIGURED
from shared.messages.message import Message, say
from shared.reports.training_facts import Factor, FactorCost, PathStep
from shared.training_settings.settings import TrainingSettings

SHORTENED = 1.1  # below it the model did not leave its layers out, see `half_the_layers`


@dataclass(frozen=True)
class _Change:
    """One setting as it is and changed, in words; `same_learning` where that changes only the speed."""

    factor: Factor
    as_is: str
    changed: str
    advice: Message
    same_learning: bool = True


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
    yield _cost(measured, names.RECOMPUTING, _checkpointing(settings))
    if names.LARGER in trials:
        rows, more = settings.per_device_train_batch_size, trials[names.LARGER].per_device_train_batch_size
        change = _Change("batch_size", str(rows), str(more), say("advice-batch-size"))
        yield _cost(measured, names.LARGER, change)
    if names.UNPADDED in trials:
        padded = f"max_length ({settings.max_seq_length})"
        change = _Change("padding", padded, "longest", say("advice-padding"))
        yield _cost(measured, names.UNPADDED, change)
    if names.SHORTER in trials:
        yield _cost(measured, names.SHORTER, _shorter(measured, trials[names.SHORTER].max_seq_length))
    if names.BF16 in trials:
        change = _Change("precision", "float32", "bfloat16", say("advice-bf16"), same_learning=False)
        yield _cost(measured, names.BF16, change)


def _checkpointing(settings: TrainingSettings) -> _Change:
    if settings.gradient_checkpointing:
        return _Change("gradient_checkpointing", "on", "off", say("advice-checkpointing-off"))
    return _Change("gradient_checkpointing", "off", "on", say("advice-checkpointing-on"))


def _shorter(measured: Measured, longest: int) -> _Change:
    cut = sum(length > longest for length in measured.lengths)
    return _Change(
        "sequence_length",
        str(measured.settings.max_seq_length),
        str(longest),
        say("advice-shorter-cuts", rows=cut, length=longest) if cut else say("advice-shorter"),
        same_learning=not cut,
    )


def _cost(measured: Measured, name: str, change: _Change) -> FactorCost:
    """Of the arm `name`; where it was not tried, with the reason."""
    rounds = measured.rounds
    if name not in rounds.timed:
        return _not_timed(measured, name, change)
    interval = measured.ratio(name)
    whole = measured.step_seconds

    def step_ratio(ratio: float) -> float:
        """With the update, which no arm makes faster."""
        return whole / (measured.computing_seconds / ratio + measured.optimizer_seconds)

    return FactorCost(
        factor=change.factor,
        as_is=change.as_is,
        changed=change.changed,
        basis="measured",
        as_is_seconds=whole,
        changed_seconds=measured.seconds(name),
        ratio=step_ratio(interval.median),
        ratio_low=step_ratio(interval.low),
        ratio_high=step_ratio(interval.high),
        rounds=interval.rounds,
        as_is_peak_bytes=rounds.peak_bytes(AS_CONFIGURED),
        changed_peak_bytes=rounds.peak_bytes(name),
        same_learning=change.same_learning,
        advice=change.advice,
    )


def _not_timed(measured: Measured, name: str, change: _Change) -> FactorCost:
    """Of an arm that was not tried: what it would take, where that can be told; why it was not tried stands
    before the advice.
    """
    rounds, seconds = measured.rounds, _foretold_seconds(measured, change.factor, name)
    too_large, peak = name in rounds.too_large, rounds.too_large.get(name)
    why = say("advice-no-time")
    if too_large:
        why = say("advice-too-large") if peak is None else say("advice-too-large-peak", peak_bytes=peak)
    return FactorCost(
        factor=change.factor,
        as_is=change.as_is,
        changed=change.changed,
        basis="does_not_fit" if too_large else "not_tried" if seconds is None else "predicted",
        as_is_seconds=measured.step_seconds,
        changed_seconds=seconds,
        ratio=None if seconds is None else measured.step_seconds / seconds,
        as_is_peak_bytes=rounds.peak_bytes(AS_CONFIGURED),
        changed_peak_bytes=peak,
        same_learning=change.same_learning,
        advice=say("advice-untried", why=why, advice=change.advice),
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
    seconds = measured.computing_seconds * share + measured.optimizer_seconds
    change = _Change("padding", "longest", "group_by_length", say("advice-grouping"), same_learning=False)
    yield _counted(measured, change, seconds)


def _accumulation(measured: Measured) -> FactorCost:
    """A step is one update and n micro-batches, so half as many cost half the micro-batches and a whole
    update: by row, the update twice as often.
    """
    n, update = measured.settings.gradient_accumulation_steps, measured.optimizer_seconds
    advice = say("advice-accumulation", update_seconds=update)
    change = _Change("gradient_accumulation", str(n), str(2 * n), advice, same_learning=False)
    return _counted(measured, change, measured.computing_seconds + update / 2)


def _data_loading(measured: Measured) -> FactorCost:
    settings, timed = measured.settings, measured.rounds.timed[AS_CONFIGURED]
    data = measured.rows_per_step * sum(one.data_seconds for one in timed) / sum(one.rows for one in timed)
    hidden = 0.0 if settings.dataloader_num_workers else data
    advice = say("advice-loading", data_seconds=data)
    change = _Change("data_loading", str(settings.dataloader_num_workers), "2", advice)
    return _counted(measured, change, measured.step_seconds - hidden)


def _model_size(measured: Measured) -> Iterator[FactorCost]:
    """Half of the layers, left out for a while: what one takes, and what no layer does."""
    if names.HALF not in measured.rounds.timed:
        return
    ratio = measured.rounds.ratio(AS_CONFIGURED, names.HALF).median
    if ratio < SHORTENED:
        return
    whole = measured.step_seconds
    half = measured.computing_seconds / ratio + measured.optimizer_seconds
    left = max(1, measured.layers // 2)
    layer = max(0.0, whole - half) / max(1, measured.layers - left)
    rest = max(0.0, whole - layer * measured.layers)
    advice = say("advice-model-size", layer_seconds=layer, rest_seconds=rest)
    change = _Change("model_size", str(measured.layers), str(left), advice, same_learning=False)
    yield _counted(measured, change, half)


def _counted(measured: Measured, change: _Change, seconds: float) -> FactorCost:
    """`seconds` are a step's with the change."""
    return FactorCost(
        factor=change.factor,
        as_is=change.as_is,
        changed=change.changed,
        basis="counted",
        as_is_seconds=measured.step_seconds,
        changed_seconds=seconds,
        ratio=measured.step_seconds / seconds,
        same_learning=change.same_learning,
        advice=change.advice,
    )
