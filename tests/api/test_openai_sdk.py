"""OpenAI's client, unmodified, against the API under gunicorn."""

import io
import tarfile
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from shared.job_records import Claim, WorkerEvent
from shared.model_names import fine_tuned_model_id
from tests.adapter_folders import CHECKPOINT_FILES, lay_out_adapter
from tests.api.conftest import ROWS, jsonl
from tests.api.reply_dropper import reply_dropper
from tests.api.server import Server, serve
from tests.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("api"), valkey) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    server.store._redis.flushall()
    with OpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client:
        yield client


def uploaded(client: OpenAI) -> str:
    return client.files.create(file=("rows.jsonl", jsonl(ROWS)), purpose="fine-tune").id


def worked_on(server: Server, job_id: str, *, steps: int) -> Claim:
    """What a worker leaves after `steps` steps, the last of them saved."""
    claim = server.store.claim(host="test", boot="boot", nonce=job_id, lease_seconds=60)
    assert isinstance(claim, Claim)
    assert claim.job_id == job_id
    events = [
        WorkerEvent(
            step, "info", "metrics", f"Step {step}/{steps}: training loss={1 / step:.2f}",
            {"step": step, "total_steps": steps, "train_loss": 1 / step, "step_seconds": 0.5},
        )
        for step in range(1, steps + 1)
    ]  # fmt: skip
    seen = {"step": steps, "validation_loss": 0.5}
    events.append(WorkerEvent(steps + 1, "info", "metrics", "Validation loss 0.5", seen))
    server.store.record_events(claim, events)
    server.store.beat(
        claim, lease_seconds=60, progress={"stage": "training", "step": steps, "eta_seconds": 60.0}
    )
    lay_out_adapter(server.data_dir / "jobs" / job_id / "checkpoints" / f"step-{steps}", CHECKPOINT_FILES)
    return claim


def test_the_life_of_a_job_as_openais_client_sees_it(server: Server, client: OpenAI) -> None:
    file_id = uploaded(client)
    job = client.fine_tuning.jobs.create(
        model="tiny",
        training_file=file_id,
        suffix="spam",
        seed=7,
        metadata={"team": "a"},
        method={
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"n_epochs": 2, "learning_rate_multiplier": 0.5, "batch_size": "auto"}
            },
        },
        extra_body={"instruction": "Is it spam?", "long_text": "cut"},
    )
    assert (job.status, job.object, job.training_file, job.seed) == ("queued", "fine_tuning.job", file_id, 7)
    assert job.hyperparameters is not None
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == (2, 16)
    assert job.hyperparameters.learning_rate_multiplier == 0.5
    request = server.store.get(job.id).request
    assert request["instruction"] == "Is it spam?"
    assert request["long_text"] == "cut"
    assert request["hyperparameters"]["learning_rate"] == pytest.approx(1e-4)

    claim = worked_on(server, job.id, steps=3)
    running = client.fine_tuning.jobs.retrieve(job.id)
    assert running.status == "running"
    assert running.estimated_finish is not None
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=2))  # the client asks for every page
    assert [event.type for event in events] == ["metrics"] * 4 + ["message"] * 2
    assert len({event.id for event in events}) == 6
    assert events[0].data == {"step": 3, "valid_loss": 0.5, "full_valid_loss": 0.5}
    assert events[1].data == {"step": 3, "total_steps": 3, "train_loss": 1 / 3, "step_seconds": 0.5}
    [checkpoint] = client.fine_tuning.jobs.checkpoints.list(job.id)
    assert (checkpoint.step_number, checkpoint.metrics.train_loss) == (3, 1 / 3)
    assert checkpoint.metrics.valid_loss == 0.5
    assert checkpoint.fine_tuning_job_id == job.id

    lay_out_adapter(server.data_dir / "jobs" / job.id / "adapter")
    name = fine_tuned_model_id("tiny", "spam", job.id)
    server.store.finish(
        claim, "succeeded", message="Done", result={"fine_tuned_model": name, "trained_tokens": 9}
    )
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert (done.status, done.fine_tuned_model, done.trained_tokens) == ("succeeded", name, 9)
    assert client.models.retrieve(name).id == name
    assert client.models.list().data[0].id == name
    metrics, archive = done.result_files
    assert client.files.retrieve(metrics).filename == "step_metrics.csv"
    lines = client.files.content(metrics).text.splitlines()
    assert lines[0].startswith("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]
    with tarfile.open(fileobj=io.BytesIO(client.files.content(archive).read())) as tar:
        assert f"{job.id}-adapter/adapter_config.json" in tar.getnames()

    deleted = client.models.delete(name)
    assert (deleted.id, deleted.object, deleted.deleted) == (name, "model", True)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(name)
    assert client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model is None
    with pytest.raises(openai.NotFoundError):
        client.files.content(archive)


def test_jobs_are_listed_by_metadata_and_cancelled(server: Server, client: OpenAI) -> None:
    file_id = uploaded(client)
    first, second = [
        client.fine_tuning.jobs.create(model="tiny", training_file=file_id, metadata={"team": team})
        for team in ("a", "b")
    ]
    assert [job.id for job in client.fine_tuning.jobs.list(limit=1)] == [second.id, first.id]
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"team": "a"})] == [first.id]
    assert client.fine_tuning.jobs.cancel(second.id).status == "cancelled"
    worked_on(server, first.id, steps=1)
    assert (
        client.fine_tuning.jobs.cancel(first.id).status == "running"
    )  # cancelling has no word of its own there
    assert server.store.get(first.id).status == "cancelling"


def test_a_failed_job_says_why(server: Server, client: OpenAI) -> None:
    job = client.fine_tuning.jobs.create(model="tiny", training_file=uploaded(client))
    claim = worked_on(server, job.id, steps=1)
    error = {"code": "diverged", "message": "The loss is NaN.", "remedy": "Lower learning_rate."}
    server.store.finish(claim, "failed", message="Failed", error=error)
    failed = client.fine_tuning.jobs.retrieve(job.id)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "diverged")
    assert failed.error.message == "The loss is NaN. Lower learning_rate."
    assert failed.result_files == []
    with pytest.raises(openai.ConflictError) as refused:
        client.fine_tuning.jobs.cancel(job.id)
    assert refused.value.code == "invalid_transition"
    assert refused.value.response.headers["x-should-retry"] == "false"


def test_refusals_reach_the_clients_own_exceptions(server: Server, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.fine_tuning.jobs.create(model="nonsense", training_file=uploaded(client))
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert refused.value.request_id is not None
    with pytest.raises(openai.BadRequestError) as refused:
        client.fine_tuning.jobs.create(
            model="tiny", training_file=uploaded(client), method={"type": "dpo", "dpo": {}}
        )
    assert 'It is "dpo"' in refused.value.message
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve("ftjob-unknown")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve("file-unknown")
    with (
        pytest.raises(openai.AuthenticationError),
        OpenAI(base_url=f"{server.url}/v1", api_key="wrong") as stranger,
    ):
        stranger.models.list()


def test_a_create_whose_reply_was_lost_makes_one_job(server: Server, client: OpenAI) -> None:
    file_id = uploaded(client)
    with (
        reply_dropper(server.port, replies_to_drop=1) as dropper,
        OpenAI(base_url=f"http://127.0.0.1:{dropper.port}/v1", api_key=server.key, max_retries=2) as unlucky,
    ):
        job = unlucky.fine_tuning.jobs.create(model="tiny", training_file=file_id)
    assert dropper.dropped == 1
    assert [found.id for found in client.fine_tuning.jobs.list()] == [job.id]
    assert len(server.store.list_jobs().records) == 1
