"""What the facade answers is what OpenAI's own schemas allow, field by field and strictly."""

import json
import re
from typing import Any

import pytest

from shared.job_records import WorkerEvent
from shared.settings import PROJECT_ROOT
from tests.adapter_folders import CHECKPOINT_FILES, lay_out_adapter
from tests.api.conftest import Api
from tests.api.openai_published import CREATES, EXAMPLES, OBJECTS, faults

JOBS = "/v1/fine_tuning/jobs"


def checked(kind: str, shown: dict[str, Any]) -> dict[str, Any]:
    """`shown`, which is a whole object of its kind: OpenAI's fields, no other, null only where it may be."""
    OBJECTS[kind].model_validate_json(json.dumps(shown), strict=True)
    assert faults(kind, shown) == []
    return shown


@pytest.fixture
def job(api: Api) -> dict[str, Any]:
    """A job with everything that it may have, begun by a worker, with one step, one validation and one
    checkpoint.
    """
    rows, seen = api.uploaded(), api.uploaded()
    body = {"model": "tiny", "training_file": rows, "validation_file": seen, "metadata": {"team": "a"}}
    created: dict[str, Any] = api.post(JOBS, json=body).get_json()
    claim = api.claim()
    for number, numbers in enumerate(({"train_loss": 0.25, "total_steps": 1}, {"validation_loss": 0.5}), 1):
        event = WorkerEvent(number, "info", "metrics", "One step", {"step": 1, **numbers})
        api.store.record_events(claim, [event])
    api.store.beat(claim, lease_seconds=60, progress={"stage": "training", "step": 1, "eta_seconds": 9.0})
    lay_out_adapter(api.job_folder(created["id"]) / "checkpoints" / "step-1", CHECKPOINT_FILES)
    return created


@pytest.mark.parametrize("kind", OBJECTS)
def test_the_published_examples_are_what_openais_client_takes(kind: str) -> None:
    assert checked(kind, EXAMPLES[kind])


def test_a_job_has_every_field_of_openais_whatever_its_status(api: Api, job: dict[str, Any]) -> None:
    path = f"{JOBS}/{job['id']}"
    assert job.pop("warnings") is not None  # ours, of the create alone
    queued, running = checked("job", job), checked("job", api.get(path).get_json())
    assert queued.keys() == running.keys() == EXAMPLES["job"].keys()
    assert (queued["estimated_finish"], queued["status"]) == (None, "queued")
    assert (type(running["estimated_finish"]), running["status"]) == (int, "running")
    cancelled = checked("job", api.post(f"{path}/cancel").get_json())
    assert cancelled["status"] == "running"  # until the worker obeys


def test_a_failed_job_s_error_is_openais(api: Api, job: dict[str, Any]) -> None:
    other = api.post(JOBS, json={"model": "tiny", "training_file": api.uploaded()}).get_json()
    error = {"code": "diverged", "message": "The loss is NaN.", "remedy": "Lower learning_rate."}
    api.store.finish(api.claim(), "failed", message="Failed", error=error)
    failed = checked("job", api.get(f"{JOBS}/{other['id']}").get_json())
    told = "The loss is NaN. Lower learning_rate."
    assert failed["error"] == {"code": "diverged", "message": told, "param": None}


def test_events_and_checkpoints_are_openais(api: Api, job: dict[str, Any]) -> None:
    events = api.get(f"{JOBS}/{job['id']}/events").get_json()
    assert events.keys() == {"object", "data", "has_more"}
    assert {checked("event", event)["type"] for event in events["data"]} == {"message", "metrics"}
    assert all(event.keys() == EXAMPLES["event"].keys() for event in events["data"])
    assert events["data"][0]["data"] == {"step": 1, "valid_loss": 0.5, "full_valid_loss": 0.5}
    kept = api.get(f"{JOBS}/{job['id']}/checkpoints").get_json()
    [checkpoint] = kept["data"]
    assert kept.keys() == {"object", "data", "has_more", "first_id", "last_id"}
    assert checked("checkpoint", checkpoint).keys() == EXAMPLES["checkpoint"].keys()
    assert checkpoint["metrics"] == {"step": 1, "train_loss": 0.25, "valid_loss": 0.5, "full_valid_loss": 0.5}
    assert kept["first_id"] == kept["last_id"] == checkpoint["id"]


def test_files_and_models_are_openais(api: Api) -> None:
    file_id = api.uploaded()
    shown = checked("file", api.get(f"/v1/files/{file_id}").get_json())
    assert EXAMPLES["file"].keys() - shown.keys() == {"expires_at"}  # it is kept for ever
    listed = api.get("/v1/files").get_json()
    assert listed.keys() == {"object", "data", "has_more", "first_id", "last_id"}
    assert (listed["data"], listed["first_id"]) == ([shown], file_id)
    checked("deleted file", api.delete(f"/v1/files/{file_id}").get_json())
    models = api.get("/v1/models").get_json()
    assert models.keys() == {"object", "data"}
    assert all(checked("model", model).keys() == EXAMPLES["model"].keys() for model in models["data"])


@pytest.mark.parametrize("create", CREATES)
def test_each_published_create_is_taken_or_its_one_field_is_named(api: Api, create: str) -> None:
    fields, refused = CREATES[create]
    answer = api.post(JOBS, json={"model": "tiny", "training_file": api.uploaded(), **fields})
    shown = answer.get_json()
    if refused:
        assert (answer.status_code, shown["error"]["param"]) == (400, refused)
        assert shown["error"].keys() == {"message", "type", "param", "code"}
        return
    shown.pop("warnings")
    assert (answer.status_code, checked("job", shown)["status"]) == (200, "queued")
    for name in fields.keys() & {"seed", "metadata"}:
        assert fields[name] in (None, shown[name])
    method = fields.get("method", {}).get("supervised", {})
    for name, value in (fields.get("hyperparameters") or method.get("hyperparameters", {})).items():
        assert value in ("auto", shown["hyperparameters"][name])
    assert shown["method"]["supervised"]["hyperparameters"] == shown["hyperparameters"]


@pytest.mark.parametrize("heading", ["Job", "Event", "Checkpoint", "File", "Model"])
def test_the_documentation_has_every_field_of_openais(heading: str) -> None:
    text = (PROJECT_ROOT / "docs" / "openai.md").read_text(encoding="utf-8")
    table = text.split(f"### {heading}\n\n")[1].split("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(OBJECTS[heading.lower()].model_fields)
