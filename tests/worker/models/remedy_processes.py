"""Remedies as processes that can be killed: one program has loaded the libraries, each try is a fork of it.

`python -m tests.worker.models.remedy_processes NAME…`, with the worker's settings in the environment. Each
line it reads is `{"order": the remedy and its arguments, "wait_at": a stage or null}`. The try says
`{"pid": …}`, then `{"stage": …}` for each new stage (the first is `start`), and waits in the one named for
SIGUSR1; then its answer, or the code it fails with. When it has ended, however it ended, comes `{"exit": …}`.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.worker.failures import JobFailed
from services.worker.running_job import JsonValue, NoJob
from shared.messages.message import Message
from shared.settings import Settings

Answer = dict[str, Any]
# Needed by a remedy, and loaded before the first try.
LIBRARIES = {
    "move": "services.worker.models.hub.cache_move",
    "convert": "services.worker.models.files.pickle_conversion",
    "quantize": "services.worker.models.quantized.prepared",
}


class ToldStages(NoJob):
    """Tells what stage the remedy is in, waits in the one it is asked to, and keeps the codes of events."""

    def __init__(self, wait_at: str | None) -> None:
        self.stage = ""
        self.wait_at = wait_at
        self.codes: list[str] = []

    def progress(self, stage: str, **fields: JsonValue) -> None:
        if stage == self.stage:
            return
        self.stage = stage
        say({"stage": stage})
        if stage == self.wait_at:
            signal.sigwait({signal.SIGUSR1})

    def event(self, message: str | Message, **details: object) -> None:
        data = details.get("data")
        self.codes += [data["code"]] if isinstance(data, dict) and "code" in data else []


def move(job: ToldStages, model: str, storage: str) -> Answer:
    from services.worker.models.hub.cache_folder import apply_cache_folder
    from services.worker.models.hub.cache_move import move_model_cache
    from services.worker.models.hub.model_places import ModelPlaces
    from services.worker.models.hub.resolve import locate_model

    settings = Settings()
    apply_cache_folder(settings)
    files = locate_model(model, None, ModelPlaces.of(settings), job=job, import_it=False)
    return move_model_cache(files, storage, settings, job).model_dump()


def find(job: ToldStages, model: str) -> Answer:
    from services.worker.models.hub.cache_folder import apply_cache_folder
    from services.worker.models.hub.model_places import ModelPlaces
    from services.worker.models.hub.resolve import locate_model

    settings = Settings()
    apply_cache_folder(settings)
    return {"folder": str(locate_model(model, None, ModelPlaces.of(settings), job=job).folder)}


def convert(job: ToldStages, folder: str) -> Answer:
    from services.worker.models.files.pickle_conversion import convert_pickles

    source = Path(folder)
    made = convert_pickles(source, source.name, revision=None, data_dir=Settings().data_dir, job=job)
    return {"folder": str(made.folder)}


def quantize(job: ToldStages, folder: str) -> Answer:
    import torch

    from services.worker.models.hub.model_places import ModelFiles
    from services.worker.models.quantized.prepared import load_prepared

    source = Path(folder)
    loaded = load_prepared(
        ModelFiles(source.name, None, source, "folder"),
        dtype=torch.bfloat16,
        device=torch.device("cpu"),
        artifacts=Settings().data_dir / "models",
        job=job,
    )
    return {"from_artifact": loaded.from_artifact}


REMEDIES: dict[str, Callable[..., Answer]] = {
    "move": move,
    "find": find,
    "convert": convert,
    "quantize": quantize,
}


def say(answer: Answer) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")  # short, so whole or not at all


def attempt(order: str, wait_at: str | None) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})  # so that one that comes early is not lost
    say({"pid": os.getpid()})
    job = ToldStages(wait_at)
    job.progress("start")
    name, *arguments = order.split()
    try:
        answer = REMEDIES[name](job, *arguments)
    except JobFailed as failed:
        answer = {"code": str(failed.failure.code), "message": failed.failure.message}
    say({"answer": answer, "codes": job.codes})


def main(names: list[str]) -> None:
    for name in names:
        importlib.import_module(LIBRARIES[name])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                attempt(**json.loads(line))
                os._exit(0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        say({"exit": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])})


if __name__ == "__main__":
    main(sys.argv[1:])
