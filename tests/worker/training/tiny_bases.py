"""Tiny base models and data sets for the tests of training and evaluation."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, Quantization, load_base_model
from services.worker.running_job import JobStopped, JsonValue, Level, NoJob
from services.worker.text.dataset_file import DatasetFile
from shared.messages.message import Message
from shared.messages.render import in_english
from shared.schemas.datasets import DatasetSummary
from shared.schemas.fields import RowFormat
from tests.tiny_models import make_tiny_exaone, make_tiny_llama

Rows = list[dict[str, Any]]
WriteRows = Callable[[Rows, RowFormat], DatasetFile]


def load(folder: Path, quantization: Quantization) -> LoadedModel:
    return load_base_model(
        ModelFiles(folder.name, None, folder, "folder"),
        quantization=quantization,
        dtype=torch.bfloat16 if quantization == "nf4" else torch.float32,
        device=torch.device("cpu"),
        job=NoJob(),
    )


@pytest.fixture(scope="session")
def tiny_llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def llama(tiny_llama_folder: Path) -> LoadedModel:
    """In fp32; shared, since every job must leave the base as it was."""
    return load(tiny_llama_folder, "none")


@pytest.fixture(scope="session")
def llama_nf4(tiny_llama_folder: Path) -> LoadedModel:
    return load(tiny_llama_folder, "nf4")


@pytest.fixture(scope="session")
def exaone(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load(make_tiny_exaone(tmp_path_factory.mktemp("models") / "tiny-exaone"), "none")


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Writes rows as the API's reader would have normalised them."""

    def write(rows: Rows, format: RowFormat) -> DatasetFile:
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        digest = hashlib.sha256(content).hexdigest()
        path = tmp_path / f"{digest[:16]}.jsonl"
        path.write_bytes(content)
        labels = sorted({row["label"] for row in rows}) if format == "classification" else None
        return DatasetFile(
            path,
            DatasetSummary(format=format, rows=len(rows), bytes=len(content), sha256=digest, labels=labels),
        )

    return write


@pytest.fixture(scope="session")
def spam_rows() -> Rows:
    """Forty short messages whose label a model can tell from one word."""
    spam = ("Free prize number {}, call now!", "축하합니다! 쿠폰 {}번에 당첨, 지금 전화하세요.")
    ham = ("See you at {}, are you coming home?", "오늘 저녁 {}시에 만나요, 미안해요.")
    return [
        {"text": templates[number % 2].format(number), "label": label}
        for number in range(20)
        for templates, label in ((spam, "spam"), (ham, "ham"))
    ]


class RecordedJob:
    """A `RunningJob` that keeps all it is told, and gives one order to stop, at a step or at publication."""

    def __init__(
        self, *, stop: type[JobStopped] | None = None, at_step: int | None = None, at_publish: bool = False
    ) -> None:
        self.stages: list[str] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.checkpoints: list[int] = []
        self._stop, self._at_step, self._at_publish = stop, at_step, at_publish

    @property
    def losses(self) -> list[float]:
        return [content["train_loss"] for _, content in self.events if "train_loss" in content]

    def codes(self) -> list[str]:
        return [content["code"] for _, content in self.events if "code" in content]

    def progress(self, stage: str, **fields: JsonValue) -> None:
        self.stages.append(stage)
        if self._at_step is not None and fields.get("step") == self._at_step:
            self._order()

    def event(
        self,
        message: str | Message,
        *,
        level: Level = "info",
        type: Literal["message", "metrics"] = "message",
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self.events.append((in_english(message), dict(data or {})))

    def checkpoint(self, step: int) -> None:
        self.checkpoints.append(step)
        if self._at_step is not None and step >= self._at_step:
            self._order()  # an order stands until it is obeyed, so it is heard on every call

    def publish(self) -> None:
        if self._at_publish:
            self._order()

    def _order(self) -> None:
        if self._stop is not None:
            raise self._stop
