"""A base, a fine-tuned model and a checkpoint are all models, to the unmodified SDK on the whole service."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI, UnprocessableEntityError
from safetensors.torch import load, load_file

from tests.stack import TINY_MODEL, LiveStack, live_stack
from tests.tiny_models import make_tiny_exaone

EXAONE = "tiny-exaone"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("models-made-here")
    (folder / "datasets").mkdir()
    rows = [
        {"text": f"{'win a prize' if number % 2 else 'see you at'} {number}", "label": "ab"[number % 2]}
        for number in range(40)
    ]
    (folder / "datasets" / "messages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    make_tiny_exaone(folder / "models" / EXAONE)
    with live_stack(folder, TUNEDOCK_CHECKPOINT_SECONDS="0.01") as stack:
        yield stack


@pytest.fixture(scope="module")
def client(stack: LiveStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0) as client:
        yield client


def trained(stack: LiveStack, model: str, **more: Any) -> str:
    """The id of a job that trained on `model` for eight steps and succeeded."""
    hyperparameters = {"max_steps": 8, "global_batch_size": 4, **more.pop("hyperparameters", {})}
    request = {"kind": "fine_tuning", "model": model, "dataset": "messages.jsonl", **more}
    record = stack.until_ended(stack.client.submit({**request, "hyperparameters": hyperparameters}).id)
    assert record.status == "succeeded", record.error
    return record.id


@pytest.fixture(scope="module")
def first(stack: LiveStack) -> str:
    return trained(stack, TINY_MODEL, hyperparameters={"lora": {"r": 4, "alpha": 8}})


def evaluated(stack: LiveStack, **request: Any) -> dict[str, Any]:
    job = stack.client.submit({"kind": "evaluation", "dataset": "messages.jsonl", **request})
    record = stack.until_ended(job.id)
    assert record.status == "succeeded", record.error
    assert record.result is not None
    return record.result


def test_checkpoints_are_models_that_can_be_fetched_and_asked(
    stack: LiveStack, client: OpenAI, first: str
) -> None:
    kept = client.fine_tuning.jobs.checkpoints.list(first).data
    assert kept[0].step_number == 8
    model = client.models.retrieve(kept[0].fine_tuned_model_checkpoint)
    assert model.id.endswith(":ckpt-step-8")
    whole = client.fine_tuning.jobs.retrieve(first).fine_tuned_model
    by_checkpoint, by_end = evaluated(stack, model=model.id), evaluated(stack, adapter=whole)
    assert by_checkpoint["loss"] == by_end["loss"] < evaluated(stack, model=TINY_MODEL)["loss"]


def test_training_goes_on_with_a_model_and_keeps_its_shape(
    stack: LiveStack, client: OpenAI, first: str
) -> None:
    model = client.fine_tuning.jobs.retrieve(first).fine_tuned_model
    assert model is not None
    second = trained(stack, model)
    request = stack.client.job(second).request
    assert (request["model"], request["adapter"]) == (TINY_MODEL, model)
    assert (request["hyperparameters"]["lora"]["r"], request["hyperparameters"]["lora"]["alpha"]) == (4, 8)
    assert client.fine_tuning.jobs.retrieve(second).model == model
    assert evaluated(stack, model=_made(client, second))["loss"] < evaluated(stack, model=model)["loss"]


def test_another_shape_is_refused_with_both_values(stack: LiveStack, client: OpenAI, first: str) -> None:
    body = {
        "kind": "fine_tuning",
        "model": _made(client, first),
        "dataset": "messages.jsonl",
        "hyperparameters": {"lora": {"r": 8}},
    }
    answer = httpx.post(
        f"{stack.url}/v1/jobs",
        json=body,
        headers={"Authorization": f"Bearer {stack.key}"},
        trust_env=False,
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == "hyperparameters.lora.r"
    assert "lora.r is 4, not 8" in answer.json()["detail"]


def test_a_checkpoint_that_is_not_kept_is_refused_with_those_that_are(client: OpenAI, first: str) -> None:
    kept = [
        checkpoint.fine_tuned_model_checkpoint
        for checkpoint in client.fine_tuning.jobs.checkpoints.list(first).data
    ]
    file = client.files.create(file=("rows.jsonl", b'{"text": "a b c d"}\n' * 4), purpose="fine-tune")
    with pytest.raises((BadRequestError, UnprocessableEntityError)) as refused:
        client.fine_tuning.jobs.create(model=f"{_made(client, first)}:ckpt-step-77777", training_file=file.id)
    assert all(name in str(refused.value) for name in kept)


@pytest.mark.parametrize("names", ["original", "llama"])
def test_a_checkpoint_is_downloaded_under_the_names_asked_for(stack: LiveStack, names: str) -> None:
    job_id = trained(stack, EXAONE)
    folder = stack.data_dir / "jobs" / job_id / ("adapter" if names == "original" else "adapter-llama")
    answer = httpx.get(
        f"{stack.url}/v1/jobs/{job_id}/adapter",
        params={"step": 8, "names": names},
        headers={"Authorization": f"Bearer {stack.key}"},
        trust_env=False,
    )
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        found = {Path(entry.name).name: _content(tar, entry) for entry in tar}
    assert set(found) == {"adapter_config.json", "adapter_model.safetensors"}
    assert json.loads(found["adapter_config.json"]) == json.loads(
        (folder / "adapter_config.json").read_text()
    )
    weights, wanted = (
        load(found["adapter_model.safetensors"]),
        load_file(folder / "adapter_model.safetensors"),
    )
    assert weights.keys() == wanted.keys()
    assert all((weights[name] == wanted[name]).all() for name in wanted)


def _made(client: OpenAI, job_id: str) -> str:
    return str(client.fine_tuning.jobs.retrieve(job_id).fine_tuned_model)


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry)
    assert file is not None
    return file.read()


def test_the_command_downloads_a_checkpoint_by_its_name(stack: LiveStack, client: OpenAI, first: str) -> None:
    name = client.fine_tuning.jobs.checkpoints.list(first).data[0].fine_tuned_model_checkpoint
    done = stack.command("download", name, "fetched")
    assert done.returncode == 0, done.stderr
    assert load_file(stack.folder / "fetched" / "adapter_model.safetensors")
