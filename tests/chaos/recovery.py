"""How long each kind of fault was felt: until the child stepped again, until API or store answered again."""

from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import Any

from tests.chaos.evidence import Evidence
from tests.chaos.faults import FAULTS
from tests.chaos.history import History

FELT_WITHIN_SECONDS = 30.0  # of a fault's end, else it was not felt


def recovery_seconds(evidence: Evidence, history: History, *, alone: bool) -> dict[str, dict[str, float]]:
    """By fault: how often it was felt and measured, p50, p95 and the longest, in seconds after it passed.

    `alone`: only where no other fault that could delay the same recovery came in between.
    """
    measured: dict[str, list[float]] = defaultdict(list)
    done = sorted(history.all("healed"), key=lambda note: note["began"])
    for note in done:
        about = FAULTS[note["fault"]].about
        seconds = None
        if about == "child":
            seconds = _until_stepping(evidence, note)
        elif about in ("api", "store"):
            seconds = _until_answered(history, note, about)
        if seconds is not None and not (alone and _is_disturbed(note, seconds, done)):
            measured[note["fault"]].append(seconds)
    return {name: _summary(values) for name, values in sorted(measured.items())}


def _until_stepping(evidence: Evidence, fault: dict[str, Any]) -> float | None:
    """From the fault's end to the next step, where a later attempt at the job that it met goes on."""
    for job in evidence.jobs:
        for before, after in pairwise(job.attempts):
            if not before.steps or not after.steps:
                continue
            met = before.steps[0].at <= fault["began"] <= before.ended + 1
            if met and fault["began"] <= after.began <= fault["at"] + FELT_WITHIN_SECONDS:
                return max(0.0, after.steps[0].at - fault["at"])
    return None


def _until_answered(history: History, fault: dict[str, Any], of: str) -> float | None:
    """From the fault's end to the first good answer after bad ones that began during it."""
    probes = [note for note in history.all("probe") if note["of"] == of]
    times = [note["at"] for note in probes]
    was_bad = False
    for note in probes[bisect_right(times, fault["began"]) :]:
        if not note["good"]:
            if not was_bad and note["at"] > fault["at"] + 2:
                return None
            was_bad = True
        elif was_bad:
            return max(0.0, note["at"] - fault["at"])
    return None


def _is_disturbed(fault: dict[str, Any], seconds: float, done: list[dict[str, Any]]) -> bool:
    """Whether another fault, but one of users, was there until `seconds` after it."""
    end = fault["at"] + seconds
    return any(
        other is not fault
        and FAULTS[other["fault"]].about != "users"
        and other["began"] < end
        and other["at"] > fault["began"] - 1
        for other in done
    )


def _summary(values: list[float]) -> dict[str, float]:
    values = sorted(values)
    return {
        "count": len(values),
        "p50": round(values[len(values) // 2], 2),
        "p95": round(values[min(len(values) - 1, int(0.95 * len(values)))], 2),
        "max": round(values[-1], 2),
    }


def redone(evidence: Evidence) -> dict[str, float]:
    """Steps that were done again after a resume, and the seconds that they had taken before."""
    steps, seconds = [0], [0.0]
    for job in evidence.jobs:
        for before, after in pairwise(attempt for attempt in job.attempts if attempt.steps):
            again = [step for step in before.steps if step.step >= after.steps[0].step]
            steps.append(len(again))
            seconds.append(again[-1].at - again[0].at if again else 0.0)
    return {"resumes": len(steps) - 1, "steps": sum(steps), "longest_seconds": round(max(seconds), 2)}
