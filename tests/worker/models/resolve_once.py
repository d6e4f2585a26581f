"""Resolves one model in a process of its own, for huggingface_hub reads its variables at import.

Arguments: model name, revision or "", models folder, data folder, and optionally `cancel` (at the first
bytes) or `in-place` (as a diagnosis does).
"""

import json
import sys
from pathlib import Path
from typing import Any

from services.worker.failures import JobFailed
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.resolve import resolve_model
from services.worker.running_job import JobCancelled, JsonValue, NoJob
from shared.messages.message import Message
from shared.messages.render import in_english
from shared.settings import Settings


class Notes(NoJob):
    def __init__(self, cancel: bool) -> None:
        self.cancel = cancel
        self.stages: list[str] = []
        self.events: list[dict[str, JsonValue]] = []
        self.most: dict[str, JsonValue] = {}

    def event(self, message: Message, **details: Any) -> None:
        data = details.get("data") or {}
        self.events.append({"level": details.get("level"), "message": in_english(message), **data})

    def progress(self, stage: str, **fields: JsonValue) -> None:
        self.stages.append(stage)
        if "done_bytes" in fields:
            self.most = fields
            if self.cancel:
                raise JobCancelled


def main(name: str, revision: str, models: str, data: str, how: str = "") -> None:
    notes = Notes(how == "cancel")
    answer: dict[str, object] = {"stages": notes.stages, "events": notes.events}
    try:
        files = resolve_model(
            name,
            revision or None,
            ModelPlaces.of(Settings(models_dir=Path(models), data_dir=Path(data))),
            job=notes,
            import_it=how != "in-place",
        )
        names = sorted(file.name for file in files.folder.iterdir())
        answer |= {"source": files.source, "revision": files.revision, "folder": str(files.folder)}
        answer |= {"files": names, "most": notes.most}
    except JobFailed as failed:
        answer |= {
            "code": failed.failure.code,
            "message": failed.failure.message,
            "remedy": failed.failure.remedy,
        }
    except JobCancelled:
        answer["code"] = "cancelled"
    answer["torch"] = "torch" in sys.modules
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
