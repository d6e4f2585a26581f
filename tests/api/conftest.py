"""The API in this process over a real store, and a worker's part played on that store."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.api.app import create_app
from shared.job_records import Claim
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.valkey import Valkey

ROWS = [
    {"text": "win a free prize now", "label": "spam"},
    {"text": "see you at seven", "label": "ham"},
    {"text": "claim your reward today", "label": "spam"},
]


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@dataclass(frozen=True)
class Api:
    """The application with its parts; requests carry the key unless headers say otherwise."""

    client: FlaskClient
    settings: Settings
    store: WorkerStore
    key: str
    rung: list[str]

    def get(self, path: str, **more: Any) -> TestResponse:
        return self._ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> TestResponse:
        return self._ask("POST", path, **more)

    def delete(self, path: str) -> TestResponse:
        return self._ask("DELETE", path)

    def upload(self, content: bytes, name: str = "rows.jsonl", purpose: str = "fine-tune") -> TestResponse:
        form = [
            f'--bound\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'.encode(),
            f'--bound\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode(),
            content + b"\r\n--bound--\r\n",
        ]
        return self.post("/v1/files", data=b"".join(form), content_type="multipart/form-data; boundary=bound")

    def uploaded(self, rows: list[dict[str, Any]] | None = None) -> str:
        """The id of a new file with good rows."""
        answer = self.upload(jsonl(rows or ROWS))
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["id"])

    def submitted(self, **fields: Any) -> dict[str, Any]:
        """The record of a new fine-tuning job."""
        body = {"kind": "fine_tuning", "model": "tiny", "training_file": self.uploaded(), **fields}
        answer = self.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json or {})

    def job_folder(self, job_id: str) -> Path:
        return self.settings.data_dir / "jobs" / job_id

    def claim(self) -> Claim:
        """Begin the next job as a worker would."""
        claim = self.store.claim(host="test", boot="boot", nonce=f"n{len(self.rung)}", lease_seconds=60)
        assert isinstance(claim, Claim)
        return claim

    def ended(
        self, body: dict[str, Any], report: dict[str, Any] | None, result: dict[str, Any] | None = None
    ) -> str:
        """The id of a new job that a worker ended well, and that left `report`."""
        answer = self.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        job_id, claim = str(answer.get_json()["id"]), self.claim()
        if report is not None:
            (self.job_folder(job_id) / "report.json").write_text(json.dumps(report))
        self.store.finish(claim, "succeeded", message="Done", result=result or {"model": "tiny"})
        return job_id

    def _ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


@pytest.fixture
def store(valkey: Valkey) -> WorkerStore:
    """A store without a job in it."""
    store = WorkerStore.connect(valkey.url)
    store._redis.flushall()
    return store


@pytest.fixture
def settings(tmp_path: Path, valkey: Valkey) -> Settings:
    model = tmp_path / "models" / "tiny"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    (tmp_path / "datasets").mkdir()
    return Settings(
        store_url=valkey.url,
        data_dir=tmp_path / "data",
        models_dir=tmp_path / "models",
        datasets_dir=tmp_path / "datasets",
        default_model="tiny",
        max_upload_bytes=1024**2,
        min_free_bytes=1024**2,
    )


@pytest.fixture
def api(settings: Settings, store: WorkerStore) -> Api:
    return make_api(settings, store)


def make_api(settings: Settings, store: WorkerStore, **more: Any) -> Api:
    rung: list[str] = []
    app = create_app(settings, store, rung.append, **more)
    key = (settings.data_dir / "api.key").read_text().strip()
    return Api(app.test_client(), settings, store, key, rung)
