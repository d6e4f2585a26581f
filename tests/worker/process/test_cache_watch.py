"""The worker's look at the model caches: true, not too often, and never a reason to fail or to wait."""

import json
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants

from services.worker.process import cache_watch
from services.worker.process.cache_watch import CacheWatch
from shared.cache_facts import CachesSeen
from shared.settings import Settings


def settings(host_hf_cache: Path | None = None) -> Settings:
    return Settings.model_validate({"default_model": "a/b", "host_hf_cache": host_hf_cache})


def test_both_caches_are_told_with_storage_models_and_vain_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hub/models--a--b/snapshots").mkdir(parents=True)
    (tmp_path / "host/hub/models--c--d").mkdir(parents=True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    environment = {"HF_HOME": str(tmp_path), "TRANSFORMERS_CACHE": "/old"}
    told = CacheWatch(settings(tmp_path / "host"), environment).latest()
    seen = CachesSeen.model_validate(json.loads(json.dumps(told)))
    assert (seen.hub.models, seen.hub.readable, seen.holds_default_model) == (1, True, True)
    assert (seen.decided_by, seen.ignored) == ("HF_HOME", (("TRANSFORMERS_CACHE", "/old"),))
    assert seen.host is not None
    assert (seen.host.exists, seen.host.models) == (True, 1)
    assert seen.host.storage.free_bytes
    assert seen.host.mount_root is not None


def test_an_absent_cache_is_told_as_absent(tmp_path: Path) -> None:
    seen = cache_watch.look(settings(tmp_path / "none"), {})
    assert seen.host is not None
    assert (seen.host.exists, seen.host.readable, seen.host.models) == (False, False, 0)


def test_it_looks_once_a_minute_and_swallows_what_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def broken(*_: object) -> CachesSeen:
        looks.append(1)
        raise ValueError("a broken disk")

    monkeypatch.setattr(cache_watch, "look", broken)
    watch = CacheWatch(settings(), {})
    assert [watch.latest(), watch.latest()] == [None, None]
    assert len(looks) == 1


def test_a_disk_that_does_not_answer_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    looks = []

    def slow(*_: object) -> CachesSeen:
        looks.append(1)
        answer.wait(10)
        raise OSError

    monkeypatch.setattr(cache_watch, "look", slow)
    monkeypatch.setattr(cache_watch, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(cache_watch, "LOOK_SECONDS", 0.0)
    watch = CacheWatch(settings(), {})
    assert [watch.latest(), watch.latest()] == [None, None]
    assert len(looks) == 1, "one look at a time"
    answer.set()
