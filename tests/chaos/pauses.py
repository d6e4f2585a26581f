"""`python -m tests.chaos.pauses`: jobs paused at random steps and resumed: seconds, and memory freed."""

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from services.cli.failure import RequestRefused
from shared.job_folder import JobFolder
from shared.schemas.records import JobEvent
from tests.chaos.specs import ROWS, write_rows
from tests.stack import LiveStack, live_stack, wait_until
from tests.tiny_models import make_tiny_llama

MODEL = "small-llama"  # 100 MB in memory: large enough to be seen to go
STEPS = 60
PAUSES_A_JOB = 5
FREED_SECONDS = 1.0  # after the pause: what the thread still holds then stays


@dataclass(frozen=True)
class Pause:
    """One pause of a job. `heard`: from the order to the last step's end; `saved`: from there to `paused`."""

    step: int
    seconds: float
    heard_seconds: float
    saved_seconds: float
    running_bytes: int
    paused_bytes: int


def request() -> dict[str, Any]:
    steps = {"max_steps": STEPS, "global_batch_size": 4, "lora": {"r": 8}}
    return {"kind": "fine_tuning", "model": MODEL, "dataset": ROWS, "hyperparameters": steps}


def run(folder: Path, times: int, seed: int) -> dict[str, Any]:
    """Pause and resume `times` times; the figures, with how many adapters equal the undisturbed run's."""
    make_tiny_llama(folder / "models" / MODEL, hidden_size=512, layers=8)
    write_rows(folder / "datasets")
    with live_stack(folder, TUNEDOCK_LEASE_SECONDS="45", TUNEDOCK_HEARTBEAT_SECONDS="5") as stack:
        fresh_bytes = _rss(stack)
        undisturbed = stack.until_ended(stack.client.submit(request()).id, 300)
        step_seconds = _step_seconds(stack, undisturbed.id)
        wanted = _sha256(stack, undisturbed.id)
        places, equal, jobs = _places(seed), 0, 0
        pauses: list[Pause] = []
        while len(pauses) < times:
            job_id = stack.client.submit(request()).id
            pauses += _pause_at(stack, job_id, sorted(islice(places, min(PAUSES_A_JOB, times - len(pauses)))))
            assert stack.until_ended(job_id, 300).status == "succeeded"
            jobs, equal = jobs + 1, equal + (_sha256(stack, job_id) == wanted)
    return _figures(pauses, jobs, equal, step_seconds, fresh_bytes)


def _places(seed: int) -> Any:
    chance = random.Random(seed)
    while True:
        yield chance.randint(1, STEPS - 3)


def _pause_at(stack: LiveStack, job_id: str, steps: list[int]) -> list[Pause]:
    """A step that has gone by while the job was resumed is paused at the next one."""
    pauses = []
    for step in steps:
        wait_until(lambda step=step: _step(stack, job_id) >= step or _has_ended(stack, job_id), 120)  # type: ignore[misc]
        if _has_ended(stack, job_id):
            break
        running_bytes, asked, began = _rss(stack), time.time(), time.monotonic()
        try:
            stack.client.pause(job_id)
        except RequestRefused:  # it publishes already
            break
        wait_until(lambda: stack.client.job(job_id).status != "pausing", 120)
        seconds = time.monotonic() - began
        if stack.client.job(job_id).status != "paused":
            break
        time.sleep(FREED_SECONDS)
        events = stack.client.events_since(job_id, None)
        last = max(event.created_at for event in events if _is_step(event))
        told = max(event.created_at for event in events if event.type == "message")
        reached = max(int(event.data["step"]) for event in events if _is_step(event))
        heard = max(0.0, last - asked)
        pauses.append(Pause(reached, seconds, heard, told - last, running_bytes, _rss(stack)))
        stack.client.resume(job_id)
    return pauses


def _figures(
    pauses: list[Pause], jobs: int, equal: int, step_seconds: list[float], fresh_bytes: int
) -> dict[str, Any]:
    def spread(values: list[float]) -> dict[str, float]:
        ordered = sorted(values)
        at = {"p50": 0.5, "p95": 0.95}
        return {name: round(ordered[int(share * (len(ordered) - 1))], 3) for name, share in at.items()} | {
            "max": round(ordered[-1], 3)
        }

    return {
        "pauses": len(pauses),
        "jobs": jobs,
        "adapters_equal": equal,
        "steps_paused_at": [pause.step for pause in pauses],
        "pause_seconds": spread([pause.seconds for pause in pauses]),
        "heard_seconds": spread([pause.heard_seconds for pause in pauses]),
        "saved_seconds": spread([pause.saved_seconds for pause in pauses]),
        "step_seconds": spread(step_seconds),
        "fresh_bytes": fresh_bytes,
        "first_paused_bytes": pauses[0].paused_bytes,
        "running_bytes": spread([pause.running_bytes for pause in pauses]),
        "paused_bytes": spread([pause.paused_bytes for pause in pauses]),
        "each": [asdict(pause) for pause in pauses],
    }


def _step(stack: LiveStack, job_id: str) -> int:
    return stack.client.job(job_id).progress.step or 0


def _has_ended(stack: LiveStack, job_id: str) -> bool:
    return stack.client.job(job_id).finished_at is not None


def _is_step(event: JobEvent) -> bool:
    return event.type == "metrics" and "train_loss" in event.data


def _step_seconds(stack: LiveStack, job_id: str) -> list[float]:
    return [
        float(event.data["step_seconds"])
        for event in stack.client.events_since(job_id, None)
        if _is_step(event)
    ]


def _sha256(stack: LiveStack, job_id: str) -> str:
    weights = JobFolder.of(stack.data_dir, job_id).adapter / "adapter_model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest()


def _rss(stack: LiveStack) -> int:
    return int(psutil.Process(stack.worker_child()).memory_info().rss)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.pauses", description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tunedock-pauses-") as folder:
        figures = run(Path(folder), arguments.times, arguments.seed)
    text = json.dumps(figures, indent=1)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    print(text)
    return 0 if figures["adapters_equal"] == figures["jobs"] else 1


if __name__ == "__main__":
    sys.exit(main())
