"""What a dry run found: the rows, the plan, what a step, the run and the memory would be."""

from typing import Any

from services.cli.outcome.lines import Said, next_steps, pairs
from services.cli.outcome.place import Place
from services.cli.outcome.rows import row_notes
from services.cli.watch import duration_text
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.reports.dry_run import DryRun
from shared.reports.stored import read_stored
from shared.reports.training_facts import MemoryParts
from shared.schemas.records import JobRecord


def dry_run_text(record: JobRecord, stored: dict[str, Any], place: Place) -> str:
    """The whole outcome of a dry run that succeeded."""
    result = read_stored(DryRun, stored)
    rows: list[tuple[Said, Said]] = [
        (say("rows-label"), _rows(result)),
        *(("", note) for note in row_notes(stored)),
        (say("tokens-label"), _tokens(result)),
        (say("plan-label"), str(result.plan.get("name", ""))),
        *(("", note) for note in _speed_ups(result)),
        (say("steps-label"), _steps(result)),
        (say("time-label"), _time(result)),
        (say("memory-label"), _memory(result)),
        *(("", part) for part in _parts(result.memory)),
    ]
    head = shown(say("dry-run-head-label", model=result.model))
    events = next_steps([(say("dry-run-events-label"), place.command("events", record.id))])
    return "\n".join([head, *pairs(rows), *events])


def _rows(result: DryRun) -> Message:
    return say(
        "dry-run-rows-label",
        rows=result.tokens.rows,
        cut_ratio=result.truncated_rows / (result.rows or 1),
    )


def _tokens(result: DryRun) -> Message:
    tokens = result.tokens
    return say(
        "dry-run-tokens-label",
        mean=round(tokens.mean),
        p50=tokens.p50,
        p95=tokens.p95,
        longest=tokens.longest,
    )


def _speed_ups(result: DryRun) -> list[Said]:
    """How a micro-batch is computed, and why not faster."""
    plan = result.plan
    how: list[Said] = [
        say(
            "dry-run-plan-label",
            tokens=int(plan.get("tokens_per_micro_batch") or 0),
            checkpointing="on" if plan.get("gradient_checkpointing") else "off",
            layers="own" if plan.get("own_layers") else "model",
        )
    ]
    for name, reason in (plan.get("off") or {}).items():
        why = reason if isinstance(reason, str) else Message.model_validate(reason)
        how.append(say("lever-off", lever=name, reason=why))
    return how


def _steps(result: DryRun) -> Message:
    return say("dry-run-steps-label", steps=result.steps, rows=result.rows_per_step)


def _time(result: DryRun) -> Said:
    if result.step_seconds is None or result.run_seconds is None:
        return say("not-predicted-label")
    return say("dry-run-time-label", step_seconds=result.step_seconds, time=duration_text(result.run_seconds))


def _memory(result: DryRun) -> Said:
    memory = result.memory
    if memory.peak is None:
        return say("not-predicted-label")
    if memory.limit is None:
        return say("dry-run-peak-label", peak_bytes=memory.peak)
    if result.fits:
        return say("dry-run-memory-label", peak_bytes=memory.peak, limit_bytes=memory.limit)
    return say("dry-run-memory-beyond-label", peak_bytes=memory.peak, limit_bytes=memory.limit)


def _parts(memory: MemoryParts) -> list[Said]:
    parts = [
        say("weights-piece", held_bytes=memory.weights),
        say("embedding-piece", held_bytes=memory.embedding),
        say("adapter-and-optimizer-piece", held_bytes=memory.adapter_and_optimizer),
        say("activations-piece", held_bytes=memory.activations),
        say("logits-piece", held_bytes=memory.logits),
        say("context-piece", held_bytes=memory.context),
    ]
    known = [part for part in parts if part.values["held_bytes"]]
    return [say("dry-run-parts-label", parts=known)] if known else []
