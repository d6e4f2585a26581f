"""What a worker's child does with the model cache, in a process of its own whose environment names it.

Arguments are commands, done one after the other: `resolve MODEL`, `find MODEL` (as a diagnosis does), `move
MODEL STORAGE [JOB]`, `keep`, `back`, `begin JOB`, `where`. Each prints its answer as a
line of JSON, a job's failure too.
"""

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from huggingface_hub import constants

from services.worker.diagnosis.cache_rules import describe_cache
from services.worker.failures import JobFailed
from services.worker.models.hub.cache_folder import apply_cache_folder
from services.worker.models.hub.cache_move import move_model_cache, tell_old_copy
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import locate_model, resolve_model
from services.worker.models.hub.untried_move import keep_move, roll_back, take_back_untried_move
from services.worker.running_job import JsonValue, NoJob
from shared.messages.message import Message
from shared.messages.render import in_english
from shared.settings import Settings

Answer = dict[str, Any]


class Notes(NoJob):
    """Keeps the codes and content of events, and the stages."""

    def __init__(self) -> None:
        self.events: list[Answer] = []
        self.stages: list[str] = []

    def progress(self, stage: str, **fields: JsonValue) -> None:
        self.stages.append(stage)

    def event(self, message: str | Message, **details: object) -> None:
        data = details.get("data")
        self.events.append({"message": in_english(message), **(data if isinstance(data, dict) else {})})


def resolve(settings: Settings, notes: Notes, model: str) -> Answer:
    return _told(resolve_model(model, None, ModelPlaces.of(settings), job=notes))


def find(settings: Settings, notes: Notes, model: str) -> Answer:
    return _told(locate_model(model, None, ModelPlaces.of(settings), job=notes, import_it=False))


def move(settings: Settings, notes: Notes, model: str, storage: str, job_id: str | None = None) -> Answer:
    files = locate_model(model, None, ModelPlaces.of(settings), job=notes, import_it=False)
    moved = move_model_cache(files, storage, settings, notes, job_id=job_id)
    tell_old_copy(moved, notes)
    return moved.model_dump()


def keep(settings: Settings, notes: Notes) -> Answer:
    keep_move(settings)
    return {}


def back(settings: Settings, notes: Notes) -> Answer:
    return {"folder": str(roll_back(settings, notes))}


def begin(settings: Settings, notes: Notes, job_id: str) -> Answer:
    take_back_untried_move(job_id, settings, notes)
    return {"folder": constants.HF_HUB_CACHE}


def where(settings: Settings, notes: Notes) -> Answer:
    cache = describe_cache("someone/tiny", None)
    return {
        "folder": constants.HF_HUB_CACHE,
        "decided_by": in_english(cache.decided_by),
        "effects": {variable.name: variable.effect for variable in cache.variables},
    }


COMMANDS: dict[str, Callable[..., Answer]] = {
    "resolve": resolve, "find": find, "move": move, "keep": keep, "back": back, "begin": begin,
    "where": where,
}  # fmt: skip


def main(commands: Iterable[str]) -> None:
    settings = Settings()
    for words in commands:
        apply_cache_folder(settings)
        name, *arguments = words.split()
        notes = Notes()
        try:
            answer = COMMANDS[name](settings, notes, *arguments)
        except JobFailed as failed:
            failure = failed.failure
            answer = {"code": str(failure.code), "message": failure.message, "remedy": failure.remedy}
        print(json.dumps({**answer, "events": notes.events, "stages": notes.stages}), flush=True)


def _told(files: ModelFiles) -> Answer:
    return {"folder": str(files.folder), "revision": files.revision, "source": files.source}


if __name__ == "__main__":
    main(sys.argv[1:])
