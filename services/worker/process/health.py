"""Whether the worker would run a job: `python -m services.worker.process.health` exits 0, or says why not."""

import json
import sys
import time

from services.worker.process.paths import state_file
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.settings import Settings

SILENCE_SECONDS = 60.0  # a load may hold the interpreter lock for a while


def trouble(settings: Settings) -> str | Message | None:
    """Why no job would run, a stored message or a message; None when one would."""
    path = state_file(settings.data_dir, settings.worker_host)
    try:
        age_seconds, state = time.time() - path.stat().st_mtime, json.loads(path.read_text())
    except FileNotFoundError:
        return say("worker-is-starting")
    if state["problem"]:
        return str(state["problem"])
    if age_seconds > SILENCE_SECONDS:
        return say("worker-is-silent", silent_seconds=round(age_seconds))
    return None


if __name__ == "__main__":
    if message := trouble(Settings()):
        print(shown(message))
        sys.exit(1)
