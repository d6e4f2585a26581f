"""Hub models: downloaded once, served from the cache when the hub is away, and errors with a way out."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_models import make_tiny_llama
from tests.worker.models.hub_server import COMMIT, Hub, running_hub

PROJECT_ROOT = Path(__file__).resolve().parents[3]
MODEL = "someone/tiny"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def start(
    tmp_path: Path, hub: Hub, name: str = MODEL, *arguments: str, **variables: str
) -> "subprocess.Popen[str]":
    environment = {
        "PYTHONPATH": str(PROJECT_ROOT),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        **variables,
    }
    revision, *rest = arguments or ("",)
    words = [name, revision, str(tmp_path / "models"), str(tmp_path / "data"), *rest]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.worker.models.resolve_once", *words],
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def resolve(tmp_path: Path, hub: Hub, name: str = MODEL, *arguments: str, **variables: str) -> dict[str, Any]:
    process = start(tmp_path, hub, name, *arguments, **variables)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return dict(json.loads(out.splitlines()[-1]))


def publish(hub: Hub, tmp_path: Path, **more: bytes) -> Path:
    folder = make_tiny_llama(tmp_path / "original")
    hub.publish(MODEL, folder, **more)
    return folder


def test_a_model_is_downloaded_without_code_and_without_copies_of_its_weights(
    tmp_path: Path, hub: Hub
) -> None:
    unwanted = {
        "modeling_tiny.py": b"raise SystemExit",
        "tokenizer.py": b"raise SystemExit",
        "pytorch_model.bin": b"pickle",
        "consolidated.safetensors": b"again",
        "onnx/model.safetensors": b"again",
        "README.md": b"# tiny",
    }
    folder = publish(hub, tmp_path, **unwanted)
    answer = resolve(tmp_path, hub)
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert (answer["source"], answer["revision"]) == ("hub", COMMIT)
    assert set(answer["files"]) == wanted == hub.downloads()
    assert "downloading" in answer["stages"]
    assert answer["most"]["done_bytes"] <= answer["most"]["total_bytes"]
    assert answer["most"]["total_bytes"] > 0
    ours = Path(answer["folder"]) / "model.safetensors"
    assert ours.read_bytes() == (folder / "model.safetensors").read_bytes()
    assert answer["torch"] is False


def test_a_second_time_nothing_is_downloaded_and_a_dead_hub_is_no_matter(tmp_path: Path, hub: Hub) -> None:
    publish(hub, tmp_path)
    resolve(tmp_path, hub)
    hub.requests.clear()
    assert resolve(tmp_path, hub)["source"] == "hub_cache"
    assert hub.downloads() == set()
    offline = resolve(tmp_path, hub, HF_HUB_OFFLINE="1")
    assert (offline["source"], offline["revision"]) == ("hub_cache", COMMIT)
    hub.broken = True
    assert resolve(tmp_path, hub)["source"] == "hub_cache"
    assert resolve(tmp_path, hub, HF_ENDPOINT="http://127.0.0.1:9")["source"] == "hub_cache"


def test_a_commit_in_the_cache_is_used_without_asking_the_hub(tmp_path: Path, hub: Hub) -> None:
    publish(hub, tmp_path)
    resolve(tmp_path, hub)
    hub.requests.clear()
    assert resolve(tmp_path, hub, MODEL, COMMIT)["source"] == "hub_cache"
    assert hub.requests == []


def test_a_killed_download_is_finished_by_the_next(tmp_path: Path, hub: Hub) -> None:
    folder = publish(hub, tmp_path)
    hub.hold_path = "model.safetensors"
    first = start(tmp_path, hub)
    assert hub.half_sent.wait(60)
    first.kill()
    first.communicate()
    offline = resolve(tmp_path, hub, HF_HUB_OFFLINE="1")  # half a model is no model
    assert offline["code"] in ("model_not_found", "model_unreadable")
    hub.release.set()
    answer = resolve(tmp_path, hub)
    ours = (Path(answer["folder"]) / "model.safetensors").read_bytes()
    assert answer["source"] == "hub"
    assert (
        hashlib.sha256(ours).digest() == hashlib.sha256((folder / "model.safetensors").read_bytes()).digest()
    )


def test_a_cancel_ends_a_download(tmp_path: Path, hub: Hub) -> None:
    publish(hub, tmp_path)
    assert resolve(tmp_path, hub, MODEL, "", "cancel")["code"] == "cancelled"


def test_a_repository_with_only_pickles_is_downloaded_and_converted(tmp_path: Path, hub: Hub) -> None:
    folder = make_tiny_llama(tmp_path / "original", form="bin")
    hub.publish(MODEL, folder)
    answer = resolve(tmp_path, hub)
    assert answer["source"] == "prepared"
    assert answer["revision"] == COMMIT
    assert "pytorch_model.bin" in hub.downloads()
    assert "model.safetensors" in answer["files"]
    assert "converting" in answer["stages"]


def test_the_cache_folder_is_the_one_the_variable_names(tmp_path: Path, hub: Hub) -> None:
    publish(hub, tmp_path)
    answer = resolve(tmp_path, hub, HF_HUB_CACHE=str(tmp_path / "elsewhere"))
    assert Path(answer["folder"]).is_relative_to(tmp_path / "elsewhere")


def test_a_gated_model_asks_for_a_token_and_takes_it(tmp_path: Path, hub: Hub) -> None:
    publish(hub, tmp_path)
    hub.gated[MODEL] = "secret"
    refused = resolve(tmp_path, hub)
    assert refused["code"] == "model_not_found"
    assert "gated" in refused["message"]
    assert "HF_TOKEN" in refused["remedy"]
    assert resolve(tmp_path, hub, HF_TOKEN="secret")["source"] == "hub"


@pytest.mark.parametrize(
    ("name", "revision", "variables", "code", "said"),
    [
        ("someone/else", "", {}, "model_not_found", "someone/else"),
        (MODEL, "v9", {}, "model_not_found", "v9"),
        (MODEL, "", {"HF_HUB_OFFLINE": "1"}, "model_not_found", "HF_HUB_OFFLINE"),
        (MODEL, "", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "hub_unavailable", "127.0.0.1:9"),
    ],
)
def test_what_goes_wrong_is_told_with_a_remedy(
    tmp_path: Path, hub: Hub, name: str, revision: str, variables: dict[str, str], code: str, said: str
) -> None:
    publish(hub, tmp_path)
    answer = resolve(tmp_path, hub, name, revision, **variables)
    assert answer["code"] == code, answer
    assert said in answer["message"]
    assert answer["remedy"]


def test_a_broken_hub_without_a_cached_copy_is_unavailable(tmp_path: Path, hub: Hub) -> None:
    hub.broken = True
    assert resolve(tmp_path, hub)["code"] == "hub_unavailable"


def test_a_repository_without_config_is_no_model(tmp_path: Path, hub: Hub) -> None:
    hub.repositories[MODEL] = {"README.md": b"# data"}
    answer = resolve(tmp_path, hub)
    assert answer["code"] == "model_not_found"
    assert "config.json" in answer["message"]
