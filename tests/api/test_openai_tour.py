"""Every method of OpenAI's client, sync and async, against the API under gunicorn."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from shared.job_records import Claim, WorkerEvent
from shared.model_names import fine_tuned_model_id
from tests.adapter_folders import CHECKPOINT_FILES, lay_out_adapter
from tests.api.conftest import ROWS, jsonl
from tests.api.openai_tour import Tour
from tests.api.server import Server, serve
from tests.valkey import Valkey

NOT_OFFERED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("fine_tuning.checkpoints.permissions.create",
     {"fine_tuned_model_checkpoint": "ft:a", "project_ids": ["p"]}, "jobs/ID/checkpoints"),
    ("fine_tuning.checkpoints.permissions.retrieve", {"fine_tuned_model_checkpoint": "ft:a"}, "API key"),
    ("fine_tuning.checkpoints.permissions.list", {"fine_tuned_model_checkpoint": "ft:a"}, "API key"),
    ("fine_tuning.checkpoints.permissions.delete",
     {"fine_tuned_model_checkpoint": "ft:a", "permission_id": "cp_a"}, "API key"),
    ("fine_tuning.alpha.graders.run", {"grader": {}, "model_sample": "a"}, "`evaluation`"),
    ("fine_tuning.alpha.graders.validate", {"grader": {}}, "`evaluation`"),
    ("chat.completions.create", {"model": "tiny", "messages": []}, "GET /v1/jobs/ID/adapter"),
    ("completions.create", {"model": "tiny", "prompt": "a"}, "`peft`"),
    ("responses.create", {"model": "tiny", "input": "a"}, "`evaluation`"),
    ("conversations.create", {}, "`peft`"),
    ("batches.create",
     {"completion_window": "24h", "endpoint": "/v1/embeddings", "input_file_id": "file-a"}, "`evaluation`"),
    ("batches.list", {}, "POST /v1/jobs"),
    ("evals.list", {}, "POST /v1/jobs"),
    ("uploads.create", {"bytes": 1, "filename": "a", "mime_type": "text/plain", "purpose": "fine-tune"},
     "POST /v1/files"),
    ("embeddings.create", {"model": "tiny", "input": "a"}, "/v1/fine_tuning/jobs"),
    ("moderations.create", {"input": "a"}, "/v1/models"),
    ("images.generate", {"prompt": "a"}, "/v1/files"),
    ("audio.speech.create", {"input": "a", "model": "tiny", "voice": "alloy"}, "/docs"),
    ("vector_stores.create", {}, "/docs"),
    ("containers.list", {}, "/docs"),
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("api"), valkey) as server:
        yield server


@pytest.fixture(params=[OpenAI, AsyncOpenAI], ids=["sync", "async"])
def tour(request: pytest.FixtureRequest, server: Server) -> Iterator[Tour]:
    server.store._redis.flushall()
    with Tour(request.param, server.url, server.key) as tour:
        yield tour


def test_every_method_answers_or_says_what_there_is_instead(
    server: Server, tour: Tour, tmp_path: Path
) -> None:
    file_id = files(tour, tmp_path)
    trained = jobs(server, tour, file_id)
    checkpoints(tour, trained)
    models(server, tour, trained)
    assert tour.call("files.delete", file_id).deleted
    for method, named, instead in NOT_OFFERED:
        with pytest.raises(openai.NotFoundError) as refused:
            tour.call(method, **named)
        assert refused.value.code == "not_offered", method
        assert instead in refused.value.message
    assert tour.missed() == set()


def files(tour: Tour, folder: Path) -> str:
    """The id of one that is left."""
    path = folder / "rows.jsonl"
    path.write_bytes(jsonl(ROWS))
    first = tour.call("files.create", file=path, purpose="fine-tune")
    expires = {"anchor": "created_at", "seconds": 3600}
    second = tour.call("files.create", file=("b.jsonl", b"x"), purpose="user_data", expires_after=expires)
    assert second.expires_at - second.created_at in (3600, 3601)
    assert first.expires_at is None
    assert "expires_at" not in first.model_fields_set
    third = tour.call("files.create", file=io.BytesIO(b"y"), purpose="fine-tune")
    ids = [third.id, second.id, first.id]
    assert [each.id for each in tour.every("files.list", limit=1)][:3] == ids
    oldest_first = [each.id for each in tour.every("files.list", limit=2, order="asc")]
    assert [each for each in oldest_first if each in ids] == ids[::-1]
    assert second.id not in {each.id for each in tour.every("files.list", purpose="fine-tune")}
    assert [each.id for each in tour.call("files.list", after=third.id, limit=1).data] == [second.id]
    assert tour.call("files.retrieve", first.id) == first
    assert tour.call("files.wait_for_processing", first.id, poll_interval=0.1).status == "processed"
    assert tour.call("files.content", first.id).content == jsonl(ROWS)
    assert tour.call("files.retrieve_content", first.id) == jsonl(ROWS).decode()
    for gone in (second.id, third.id):
        assert tour.call("files.delete", gone).deleted
        with pytest.raises(openai.NotFoundError):
            tour.call("files.retrieve", gone)
    return str(first.id)


def jobs(server: Server, tour: Tour, file_id: str) -> str:
    """The id of one that has succeeded, with two checkpoints."""
    made = [
        tour.call(
            "fine_tuning.jobs.create", model="tiny", training_file=file_id, suffix="tour", seed=number,
            metadata={"number": str(number)} if number else {}, method={"type": "supervised"},
        ).id
        for number in range(3)
    ]  # fmt: skip
    listed = "fine_tuning.jobs.list"
    assert [each.id for each in tour.every(listed, limit=1)] == made[::-1]
    assert [each.id for each in tour.call(listed, after=made[2], limit=1).data] == [made[1]]
    assert [each.id for each in tour.every(listed, metadata={"number": "1"})] == [made[1]]
    assert [each.id for each in tour.every(listed, extra_query={"metadata": "null"})] == [made[0]]
    assert tour.call("fine_tuning.jobs.pause", made[1]).status == "paused"
    assert tour.call("fine_tuning.jobs.resume", made[1]).status == "queued"
    for job_id in made[1:]:
        assert tour.call("fine_tuning.jobs.cancel", job_id).status == "cancelled"
    with pytest.raises(openai.ConflictError) as refused:
        tour.call("fine_tuning.jobs.resume", made[1])
    assert refused.value.request_id
    trained(server, made[0])
    events = tour.every("fine_tuning.jobs.list_events", made[0], limit=2)
    assert [each.data["step"] for each in events if each.type == "metrics"] == [2, 1]
    page = tour.call("fine_tuning.jobs.list_events", made[0], after=events[0].id, limit=1)
    assert (page.data, page.has_more) == ([events[1]], True)
    done = tour.call("fine_tuning.jobs.retrieve", made[0])
    assert (done.status, done.seed, done.trained_tokens, done.metadata) == ("succeeded", 0, 9, {})
    metrics = tour.call("files.content", done.result_files[0]).text.splitlines()
    assert metrics[0].startswith("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy")
    assert [line.split(",")[:4] for line in metrics[1:]] == [["1", "1.0", "", ""], ["2", "0.5", "", ""]]
    return made[0]


def trained(server: Server, job_id: str) -> None:
    """What a worker leaves of a job."""
    claim = server.store.claim(host="test", boot="boot", nonce=job_id, lease_seconds=60)
    assert isinstance(claim, Claim)
    assert claim.job_id == job_id
    server.store.record_events(
        claim,
        [
            WorkerEvent(step, "info", "metrics", "One step", {"step": step, "train_loss": 1 / step})
            for step in (1, 2)
        ],
    )
    folder = server.data_dir / "jobs" / job_id
    for step in (1, 2):
        lay_out_adapter(folder / "checkpoints" / f"step-{step}", CHECKPOINT_FILES)
    lay_out_adapter(folder / "adapter")
    result = {"fine_tuned_model": fine_tuned_model_id("tiny", "tour", job_id), "trained_tokens": 9}
    server.store.finish(claim, "succeeded", message="Done", result=result)


def checkpoints(tour: Tour, job_id: str) -> None:
    listed = "fine_tuning.jobs.checkpoints.list"
    kept = tour.every(listed, job_id, limit=1)
    assert [each.step_number for each in kept] == [2, 1]
    assert kept[0].metrics.train_loss == 0.5
    assert tour.call(listed, job_id, after=kept[0].id).data == kept[1:]
    assert tour.call("models.retrieve", kept[1].fine_tuned_model_checkpoint).owned_by == "tunedock"


def models(server: Server, tour: Tour, job_id: str) -> None:
    name = tour.call("fine_tuning.jobs.retrieve", job_id).fine_tuned_model
    assert [each.id for each in tour.every("models.list")][:1] == [name]
    assert tour.call("models.retrieve", "tiny").object == "model"
    for wrong, refusal in (("tiny", openai.BadRequestError), ("ft:tiny:a:b", openai.NotFoundError)):
        with pytest.raises(refusal):
            tour.call("models.delete", wrong)
    assert tour.call("models.delete", name).deleted
    with pytest.raises(openai.NotFoundError):
        tour.call("models.retrieve", name)


def test_a_client_whose_address_lacks_the_version_is_told(server: Server) -> None:
    with OpenAI(base_url=server.url, api_key=server.key) as lost, pytest.raises(openai.NotFoundError) as told:
        lost.fine_tuning.jobs.list()
    assert "end the client's base_url with /v1" in told.value.message
