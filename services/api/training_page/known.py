"""The facts behind a training's report as rows of tables, and what is not on the page, with the reason."""

from collections.abc import Iterator
from typing import Any

from services.api.page_kit.rows import Group, Row
from services.api.page_kit.shares import in_hundred
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_facts import TrainingFacts
from shared.reports.training_text import flops
from shared.units import rate, size


def fact_groups(report: TrainingReport) -> tuple[Group, ...]:
    """Only what is known; groups without a row are left out."""
    facts = report.facts
    groups = (
        _group(say("data-set-group-title"), _tokens(facts)),
        _group(say("device-group-title"), _device(facts)),
        _group(say("machine-group-title"), _machine(facts)),
        Group(told(say("settings-group-title")), tuple(flat_rows(facts.settings or {})), has_keys=True),
        Group(told(say("plan-group-title")), tuple(flat_rows(facts.plan or {})), has_keys=True),
    )
    return tuple(group for group in groups if group.rows)


def _group(title: Message, rows: Iterator[Row]) -> Group:
    return Group(told(title), tuple(rows))


def _row(label: Message, value: str | Message) -> Row:
    return Row(told(label), told(value))


def _tokens(facts: TrainingFacts) -> Iterator[Row]:
    tokens = facts.tokens
    if not tokens.rows:
        return
    yield _row(say("rows-label"), f"{tokens.rows:,}")
    yield _row(say("real-tokens-label"), f"{tokens.real_tokens:,}")
    yield _row(say("computed-tokens-label"), f"{tokens.computed_tokens:,}")
    yield _row(say("learned-tokens-label"), f"{tokens.target_tokens:,}")
    yield _row(
        say("row-lengths-label"),
        say(
            "row-lengths-row", mean=f"{tokens.mean:.0f}", p50=str(tokens.p50), p95=str(tokens.p95),
            longest=str(tokens.longest),
        ),
    )  # fmt: skip
    if tokens.truncated_rows:
        cut = say(
            "truncated-row", rows=tokens.truncated_rows, lost=f"{tokens.lost_tokens:,}",
            answers=str(tokens.lost_answers),
        )  # fmt: skip
        yield _row(say("truncated-label"), cut)


def _device(facts: TrainingFacts) -> Iterator[Row]:
    device = facts.device
    yield _row(say("device-label"), device.name)
    for label, per_second in (
        (say("matrix-peak-label"), device.matrix_flops_per_second),
        (say("fp32-peak-label"), device.fp32_flops_per_second),
        (say("step-reaches-label"), device.achieved_flops_per_second),
    ):
        if per_second:
            yield _row(label, flops(per_second))
    if device.memory_bytes_per_second:
        yield _row(say("memory-speed-label"), rate(device.memory_bytes_per_second))
    yield from _power(facts)
    if device.shared_memory_bytes:
        yield _row(say("shared-memory-label"), size(device.shared_memory_bytes))
    if device.other_processes_bytes:
        yield _row(say("other-processes-label"), size(device.other_processes_bytes))


def _power(facts: TrainingFacts) -> Iterator[Row]:
    device = facts.device
    if device.power_watts:
        limit = f" / {device.power_limit_watts:.0f} W" if device.power_limit_watts else ""
        yield _row(say("power-label"), f"{device.power_watts:.0f} W{limit}")
    if device.clock_hertz:
        start = f"{device.clock_start_hertz / 1e6:.0f} → " if device.clock_start_hertz else ""
        yield _row(say("clock-label"), f"{start}{device.clock_hertz / 1e6:.0f} MHz")
    if device.temperature_celsius:
        yield _row(say("temperature-label"), f"{device.temperature_celsius:.0f} °C")
    if device.throttle_reasons:
        yield _row(say("throttled-label"), ", ".join(device.throttle_reasons))


def _machine(facts: TrainingFacts) -> Iterator[Row]:
    memory, pressure = facts.machine_memory, facts.pressure
    if memory and memory.total_bytes:
        yield _row(say("memory-label"), size(memory.total_bytes))
    if memory and memory.cgroup_limit_bytes:
        yield _row(say("container-limit-label"), size(memory.cgroup_limit_bytes))
    if facts.processor_ratio is not None:
        yield _row(say("processor-share-label"), in_hundred(facts.processor_ratio))
    if pressure and pressure.processor_limit:
        yield _row(say("processor-limit-label"), f"{pressure.processor_limit:g}")
    if pressure and pressure.swapped_in_bytes:
        yield _row(say("swapped-in-label"), size(pressure.swapped_in_bytes))
    if facts.compute_dtype:
        yield _row(say("compute-dtype-label"), facts.compute_dtype)


def flat_rows(values: dict[str, Any], prefix: str = "") -> Iterator[Row]:
    """Settings in their own words, `lora.r`, but for unset ones. A message says why a speed-up is off."""
    for name, value in values.items():
        if isinstance(value, dict) and value.keys() == {"message_id", "values"}:
            yield Row(f"{prefix}{name}", told(Message.model_validate(value)))
        elif isinstance(value, dict):
            yield from flat_rows(value, f"{prefix}{name}.")
        elif value not in (None, [], ""):
            yield Row(f"{prefix}{name}", _word(value), is_code=True)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
