"""Whether something other than reading takes the load's time."""

from collections.abc import Iterator

from services.worker.diagnosis.checks.finding import LONG_SECONDS, NOTICEABLE_SECONDS, Check, as_message
from services.worker.diagnosis.checks.remedies import has_copy, keep_nf4_copy, prepare_command, stay_resident
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts, TrialLoad

_DOMINATES = 0.5
_CONTENDED = 0.3


def find_quantize_bound(facts: LoadFacts) -> Finding | None:
    trial = facts.trial
    seconds = trial.phase_seconds.get("quantize", 0.0) if trial else 0.0
    if trial is None or seconds < NOTICEABLE_SECONDS or seconds < _DOMINATES * trial.total_seconds:
        return None
    return Finding(
        id="quantize-bound",
        severity="warning" if seconds >= LONG_SECONDS else "info",
        title=say("quantize-bound-title"),
        evidence=(
            say(
                "quantizing-took",
                quantize_seconds=seconds,
                load_seconds=trial.total_seconds,
                device=trial.device,
            ),
            *processors(trial),
        ),
        remedies=(*_keep_quantized(facts, seconds), stay_resident()),
        costs_seconds=seconds,
    )


def _keep_quantized(facts: LoadFacts, seconds: float) -> Iterator[Remedy]:
    if remedy := keep_nf4_copy(facts):
        yield remedy
    elif not has_copy(facts):  # whose size is not known, so neither is a whole load from it
        yield Remedy(
            action=say("keep-nf4-copy-of-unknown-size"),
            kind="nf4_copy",
            command=prepare_command(facts),
            saves_seconds=seconds,
        )


def processors(trial: TrialLoad) -> Iterator[Message]:
    """What the load and others took of the processors, as far as it is known."""
    if trial.cpu_seconds is not None:
        yield say("processors-kept-busy", processors=round(trial.cpu_seconds / trial.total_seconds, 1))
    if (waited := trial.processor_wait_ratio or 0.0) >= _CONTENDED:
        yield say("programs-waited-for-processor", wait_ratio=waited)


def find_fixed_costs(facts: LoadFacts) -> Finding | None:
    trial = facts.trial
    if trial is None:
        return None
    resolve, rest = trial.phase_seconds.get("resolve", 0.0), trial.phase_seconds.get("rest", 0.0)
    seconds = resolve + rest
    if seconds < NOTICEABLE_SECONDS or seconds < _DOMINATES * trial.total_seconds:
        return None
    return Finding(
        id="fixed-costs",
        severity="warning" if seconds >= LONG_SECONDS else "info",
        title=say("fixed-costs-title"),
        evidence=(
            say(
                "fixed-costs-add-up",
                resolve_seconds=resolve,
                rest_seconds=rest,
                fixed_seconds=seconds,
                load_seconds=trial.total_seconds,
            ),
        ),
        remedies=(
            stay_resident(),
            Remedy(action=say("diagnose-once-more")),
        ),
    )


def find_failed_trial(facts: LoadFacts) -> Finding | None:
    failure = facts.trial_failure
    if failure is None:
        return None
    return Finding(
        id="failed-trial",
        severity="error",
        title=say("failed-trial-title"),
        evidence=(as_message(failure.message),),
        remedies=(Remedy(action=as_message(failure.remedy)),),
    )


CHECKS = (
    Check("failed-trial", "error", "a trial load that did not end", find_failed_trial),
    Check("quantize-bound", "warning", "quantizing takes most of the load", find_quantize_bound),
    Check("fixed-costs", "warning", "costs that do not depend on the weights dominate", find_fixed_costs),
)
