"""One run of chaos: quiet runs, then the plan's jobs and faults, then quiet again, and the judgement."""

import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from shared.job_folder import jobs_folder
from shared.old_uploads import ABANDONED_SECONDS
from tests.chaos.evidence import Evidence, adapter_sha256, gather, leftovers
from tests.chaos.faults import FAULTS
from tests.chaos.history import History
from tests.chaos.moments import wait_for
from tests.chaos.oracle import Violation, judge
from tests.chaos.plan import Plan, PlannedFault
from tests.chaos.recovery import recovery_seconds, redone
from tests.chaos.slopes import slopes
from tests.chaos.specs import OF_USERS, SPECS
from tests.chaos.watchers import Watchers
from tests.chaos.world import World

TICK_SECONDS = 0.05
STUCK_SECONDS = 150.0  # without a job that ends: longer than every wait that the settings allow
QUIET_SECONDS = 120.0
SWEPT_SECONDS = 60.0
MOST_FAULTS_AT_ONCE = 32


@dataclass(frozen=True)
class Outcome:
    """What came of a run; `violations` is empty when nothing was lost, doubled or stuck."""

    plan: Plan
    violations: list[Violation]
    figures: dict[str, Any]


def run(plan: Plan, folder: Path, **environment: str) -> Outcome:
    """Do what the plan says on a stack in `folder`, and judge it. Call it from the main thread."""
    plan.write(folder / "plan.jsonl")
    with closing(History(folder / "history.jsonl")) as history:
        with World(folder, history, **environment) as world:
            references = quiet_runs(world, {*(job.spec for job in plan.jobs), OF_USERS})
            with Watchers(world):
                _disturb(world, plan)
                _settle(world)
            sweep(world)
            evidence = gather(world, references)
            history.note("gathered")
        evidence = replace(evidence, processes_left=tuple(world.left_running))
        return Outcome(plan, judge(evidence, history), _figures(plan, evidence, history))


def quiet_runs(world: World, specs: set[str]) -> dict[str, str]:
    """The adapter of each spec that nothing disturbs."""
    jobs = {spec: world.user.submit(spec, f"quiet-{spec}") for spec in sorted(specs) if SPECS[spec].exact}
    until_none_is_open(world)
    references = {spec: adapter_sha256(world, job_id) for spec, job_id in jobs.items() if job_id}
    assert all(references.values()), f"a run without faults has no adapter: {references}"
    return {spec: str(found) for spec, found in references.items()}


def _disturb(world: World, plan: Plan) -> None:
    """Submit and break things at their times; returns when the last fault has passed."""
    began = time.monotonic()
    world.history.note("begun", seed=plan.seed)
    submitter = threading.Thread(target=_submit_all, args=(world, plan, began), daemon=True)
    submitter.start()
    waiting = list(plan.faults)
    with ThreadPoolExecutor(MOST_FAULTS_AT_ONCE) as pool:
        running: list[Future[None]] = []
        end = began + plan.minutes * 60
        while waiting or time.monotonic() < end or not all(future.done() for future in running):
            while waiting and time.monotonic() - began >= waiting[0].at:
                running.append(pool.submit(_break, world, waiting.pop(0)))
            world.start_again_if_dead()
            time.sleep(TICK_SECONDS)
    while submitter.is_alive():
        world.start_again_if_dead()
        submitter.join(TICK_SECONDS)


def _submit_all(world: World, plan: Plan, began: float) -> None:
    for job in plan.jobs:
        time.sleep(max(0.0, began + job.at - time.monotonic()))
        world.user.submit(job.spec, job.name)


def _break(world: World, planned: PlannedFault) -> None:
    was_met = wait_for(planned.moment, world)
    began = time.time()
    world.history.note("fault", fault=planned.fault, moment=planned.moment, met=was_met, planned=planned.at)
    try:
        was_done = FAULTS[planned.fault].act(world, random.Random(planned.seed), planned.seconds)
    except Exception as error:
        world.history.note("driver-failed", who=planned.fault, error=f"{type(error).__name__}: {error}")
        raise
    world.history.note(
        "healed" if was_done else "missed", fault=planned.fault, moment=planned.moment, began=round(began, 3)
    )


def _settle(world: World) -> None:
    """Everything is whole again, and every job gets the time that it needs."""
    world.user.until_queue_ordered("resume")
    count, moved_at = len(world.open_jobs()), time.monotonic()
    while (still := len(world.open_jobs())) and time.monotonic() - moved_at < STUCK_SECONDS:
        world.start_again_if_dead()
        for job_id in world.open_jobs():
            record = world.user.record(job_id)
            if record and record["status"] in ("paused", "pausing"):
                world.user.order(job_id, "resume")
        if still != count:
            count, moved_at = still, time.monotonic()
        time.sleep(0.5)
    world.history.note("settled", open=world.open_jobs())


def until_none_is_open(world: World) -> None:
    deadline = time.monotonic() + QUIET_SECONDS
    while world.open_jobs():
        assert time.monotonic() < deadline, "a run without faults did not end"
        world.look_at_jobs()
        time.sleep(0.1)


def sweep(world: World) -> None:
    """Make what was left lying an hour old, and have the worker sweep: it does so when it starts."""
    old = time.time() - ABANDONED_SECONDS - 60
    for folder in (*jobs_folder(world.data_dir).iterdir(), *world.data_dir.glob("files/.incoming-*")):
        for path in (folder, *folder.rglob("*")):
            if path.exists():
                os.utime(path, (old, old))
    world.send("worker", signal.SIGTERM)
    deadline = time.monotonic() + SWEPT_SECONDS
    while time.monotonic() < deadline and leftovers(world, frozenset(world.stored_ids())):
        time.sleep(0.5)


def _figures(plan: Plan, evidence: Evidence, history: History) -> dict[str, Any]:
    healed, missed = history.all("healed"), history.all("missed")
    statuses = Counter(job.record["status"] if job.record else "deleted" for job in evidence.jobs)
    probes = [note for note in history.all("probe", "answer") if note["status"] == 503]
    exact = [job for job in evidence.jobs if job.adapter_sha256 and job.spec in evidence.references]
    return {
        "seed": plan.seed,
        "minutes": plan.minutes,
        "faults": len(healed),
        "faults_by_name": dict(Counter(note["fault"] for note in healed).most_common()),
        "missed": len(missed),
        "jobs": len(evidence.jobs),
        "jobs_by_status": dict(statuses),
        "attempts": sum(len(job.attempts) for job in evidence.jobs),
        "adapters_equal": sum(job.adapter_sha256 == evidence.references[job.spec] for job in exact),
        "adapters": len(exact),
        "redone": redone(evidence),
        "recovery_seconds": recovery_seconds(evidence, history, alone=True),
        "recovery_seconds_amid_others": recovery_seconds(evidence, history, alone=False),
        "refused_503": len(probes),
        "longest_503_seconds": max((note["seconds"] for note in probes), default=0),
        "supervisor_starts_refused": len(history.all("supervisor-not-started")),
        "slopes": slopes(history),
    }


def as_json(outcome: Outcome) -> dict[str, Any]:
    return {**outcome.figures, "violations": [asdict(violation) for violation in outcome.violations]}
