"""Whether the worker would run a job: `python -m services.worker.process.health` exits 0, or says why not."""

import json
import sys
import time

from services.worker.process.paths import state_file
from shared.settings import Settings

SILENCE_SECONDS = 60.0  # a load may hold the interpreter lock for a while


def trouble(settings: Settings) -> str | None:
    """Why no job would run, None when one would."""
    path = state_file(settings.data_dir, settings.worker_host)
    try:
        age_seconds, state = time.time() - path.stat().st_mtime, json.loads(path.read_text())
    except FileNotFoundError:
        return "the worker does not own its device yet"
    if state["problem"]:
        return str(state["problem"])
    if age_seconds > SILENCE_SECONDS:
        return f"the worker's last sign of life is {age_seconds:.0f} s old"
    return None


if __name__ == "__main__":
    if message := trouble(Settings()):
        print(message)
        sys.exit(1)
