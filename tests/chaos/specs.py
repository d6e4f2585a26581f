"""The jobs that a run of chaos submits, by name, and how often each is drawn."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = "tiny-llama"
ROWS = "messages.jsonl"
HELD_OUT = "held-out.jsonl"
OF_USERS = "short"  # what faults submit
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Spec:
    """A request, and how often it is drawn; one that is `exact` ends with the same adapter every time."""

    request: dict[str, Any]
    weight: float
    exact: bool = True


def _tuning(max_steps: int, **more: Any) -> dict[str, Any]:
    steps = {"max_steps": max_steps, "global_batch_size": 4, "lora": {"r": 4}}
    return {"kind": "fine_tuning", "model": MODEL, "dataset": ROWS, "hyperparameters": steps, **more}


SPECS = {
    "short": Spec(_tuning(30), 3),
    "middle": Spec(_tuning(150), 4),
    "long": Spec(_tuning(500), 3),
    "validated": Spec(_tuning(100, validation_dataset=HELD_OUT), 2),
    "evaluation": Spec({"kind": "evaluation", "model": MODEL, "dataset": HELD_OUT}, 1, exact=False),
    "diagnosis": Spec({"kind": "load_diagnostic", "model": MODEL, "trial_load": False}, 1, exact=False),
}


def write_rows(folder: Path) -> None:
    """The data sets that the specs name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, first, count in ((ROWS, 0, 60), (HELD_OUT, 1000, 10)):
        rows = [
            {"text": f"{'win a prize' if number % 2 else 'see you at'} {number}", "label": "ab"[number % 2]}
            for number in range(first, first + count)
        ]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
