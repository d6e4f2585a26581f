"""Gathering facts: on this machine, from recorded /proc and /sys, and from a real store."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import redis
from pydantic import SecretStr

from services.cli.doctor.ask_folders import DECIDING, find_cache
from services.cli.doctor.ask_machine import is_wsl, read_power
from services.cli.doctor.ask_service import ask_api
from services.cli.doctor.ask_store import ask_store, ask_url
from services.cli.doctor.facts import WorkerState
from services.cli.doctor.gather import gather
from services.cli.ports import free_port
from services.worker.diagnosis.cache_rules import cache_variables
from services.worker.process.cache_watch import look
from shared.cache_choice import OLD_CACHE_FOLDERS, CacheChoice, write_choice
from shared.messages.render import in_english
from shared.settings import Settings
from tests.cli.doctor_facts import MOUNT_TABLES, finding
from tests.valkey import Valkey


def settings(folder: Path, **changed: object) -> Settings:
    return Settings.model_validate({"data_dir": folder / "data", "api_port": free_port(), **changed})


# --- this machine


def test_this_machine_is_told_truly(tmp_path: Path) -> None:
    facts = gather(settings(tmp_path), os.environ)
    assert facts.kernel == os.uname().release
    assert facts.memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    data = facts.folder("data")
    assert data is not None
    assert (data.exists, data.writable) == (False, True)
    assert data.storage.filesystem
    assert data.storage.free_bytes
    assert not facts.api.answers


def test_nothing_is_written(tmp_path: Path) -> None:
    gather(settings(tmp_path), os.environ)
    assert list(tmp_path.iterdir()) == []


# --- recorded machines


def wsl_machine(root: Path, mounted_at: Path) -> None:
    """A WSL 2 machine whose drive C: is mounted at a folder of the test."""
    (root / "proc/sys/kernel").mkdir(parents=True)
    (root / "proc/self").mkdir()
    (root / "proc/sys/kernel/osrelease").write_text("6.6.87.2-microsoft-standard-WSL2\n")
    (root / "proc/meminfo").write_text("MemTotal:        8039540 kB\n")
    table = (MOUNT_TABLES / "wsl2_9p.txt").read_text()
    (root / "proc/self/mountinfo").write_text(table.replace("/mnt/c", str(mounted_at)))


def test_a_wsl_machine_with_its_data_on_drive_c_is_recognised(tmp_path: Path) -> None:
    drive = tmp_path / "c"
    drive.mkdir()
    wsl_machine(tmp_path / "root", drive)
    environment = {"PATH": "/nowhere", "HF_HOME": str(drive / "hf")}
    facts = gather(settings(drive), environment, tmp_path / "root")
    assert (facts.wsl, facts.container) == (True, False)
    for name in ("data-folder", "model-cache"):
        assert "9p on C:\\" in finding(facts, name).message
        assert finding(facts, name).status == "warning"
    assert ".wslconfig" in finding(facts, "memory").remedy
    assert "/dev/dxg is missing" in finding(facts, "card").message


def test_a_machine_without_proc_and_sys_is_unknown_not_a_failure(tmp_path: Path) -> None:
    facts = gather(settings(tmp_path), {}, tmp_path / "absent")
    assert facts.memory_bytes is None
    assert finding(facts, "memory").status == "unknown"


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("5.15.167.4-microsoft-standard-WSL2", True),
        ("4.4.0-19041-Microsoft", True),
        ("6.8.0-45-generic", False),
        ("6.10.14-linuxkit", False),
    ],
)
def test_wsl_is_known_by_its_kernel(kernel: str, expected: bool) -> None:
    assert is_wsl(kernel) is expected


def supply(root: Path, name: str, **files: str) -> None:
    folder = root / "sys/class/power_supply" / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(f"{text}\n")


def test_a_laptop_on_battery_and_on_mains(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    supply(tmp_path, "hidpp_battery_0", type="Battery", status="Discharging", scope="Device")
    assert read_power(tmp_path).on_battery is True
    supply(tmp_path, "AC", type="Mains", online="1")
    assert read_power(tmp_path).on_battery is False


def test_profile_and_governor_are_read(tmp_path: Path) -> None:
    cpu = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    cpu.mkdir(parents=True)
    (cpu / "scaling_driver").write_text("intel_pstate\n")
    (cpu / "scaling_governor").write_text("powersave\n")
    (tmp_path / "sys/firmware/acpi").mkdir(parents=True)
    (tmp_path / "sys/firmware/acpi/platform_profile").write_text("balanced\n")
    power = read_power(tmp_path)
    assert (power.on_battery, power.profile, power.governor) == (None, "balanced", "intel_pstate/powersave")


# --- cache


@pytest.mark.parametrize(
    ("environment", "folder", "decided_by"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a", "HF_HUB_CACHE"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}, "/b/hub", "HF_HOME"),
        ({"XDG_CACHE_HOME": "/c", "TRANSFORMERS_CACHE": "/d"}, "/c/huggingface/hub", "XDG_CACHE_HOME"),
        ({}, str(Path("~/.cache/huggingface/hub").expanduser()), "default"),
    ],
)
def test_the_cache_is_where_the_first_variable_says(
    tmp_path: Path, environment: dict[str, str], folder: str, decided_by: str
) -> None:
    cache = find_cache(settings(tmp_path), environment, None)
    assert (cache.folder, in_english(cache.decided_by)) == (folder, decided_by)
    assert cache.ignored == tuple((name, "/d") for name in environment if name == "TRANSFORMERS_CACHE")


def test_doctor_and_diagnosis_name_the_same_variables(tmp_path: Path) -> None:
    names = [name for name, _ in DECIDING]
    for first in range(len(names)):
        environment = {name: f"/{name}" for name in (*names[first:], *OLD_CACHE_FOLDERS)}
        ours = find_cache(settings(tmp_path), environment, None)
        theirs = cache_variables(environment)
        assert [ours.decided_by] == [variable.name for variable in theirs if variable.effect == "decides"]
        assert [name for name, _ in ours.ignored] == [one.name for one in theirs if one.effect == "ignored"]


def test_the_default_model_is_looked_for_in_the_cache(tmp_path: Path) -> None:
    (tmp_path / "hub/models--a--b/snapshots").mkdir(parents=True)
    environment = {"HF_HOME": str(tmp_path)}
    assert find_cache(settings(tmp_path, default_model="a/b"), environment, None).holds_default_model
    assert not find_cache(settings(tmp_path, default_model="a/c"), environment, None).holds_default_model


@pytest.mark.parametrize("named", ["huggingface", "huggingface/hub"])
def test_the_old_cache_may_be_named_by_its_home_or_its_hub(tmp_path: Path, named: str) -> None:
    (tmp_path / "huggingface/hub/models--a--b").mkdir(parents=True)
    facts = gather(settings(tmp_path, host_hf_cache=tmp_path / named), os.environ)
    assert finding(facts, "host-cache").status == "ok"


def test_an_old_cache_without_a_model_is_the_wrong_folder(tmp_path: Path) -> None:
    facts = gather(settings(tmp_path, host_hf_cache=tmp_path), os.environ)
    assert "has no model" in finding(facts, "host-cache").message


def test_the_caches_are_what_a_living_worker_told(tmp_path: Path) -> None:
    (tmp_path / "host/hub/models--a--b").mkdir(parents=True)
    worker = settings(tmp_path, host_hf_cache=tmp_path / "host")
    caches = look(worker, {"HF_HOME": "/x", "TRANSFORMERS_CACHE": "/old"})
    file = tmp_path / "data/worker/worker.state.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"device": "cpu", "caches": caches.model_dump(mode="json")}))
    facts = gather(settings(tmp_path), {})  # as in the API's container: no variable tells of the host cache
    assert facts.cache.told_by_worker
    assert finding(facts, "host-cache").status == "ok"
    assert "the worker's HF_HOME" in finding(facts, "model-cache").message
    assert "TRANSFORMERS_CACHE=/old" in finding(facts, "cache-variables").message
    os.utime(file, (1, 1))
    assert not gather(settings(tmp_path), {}).cache.told_by_worker
    file.write_text(json.dumps({"device": "cpu", "caches": {"hub": 1}}))
    assert not gather(settings(tmp_path), {}).cache.told_by_worker


def test_a_remembered_move_is_named_whether_the_worker_runs_or_not(tmp_path: Path) -> None:
    here = settings(tmp_path, storages={"ssd": tmp_path / "ssd"}, default_model="a/b")
    (tmp_path / "ssd/hub/models--a--b/snapshots").mkdir(parents=True)
    write_choice(here, CacheChoice(storage="ssd", folder=str(tmp_path / "ssd/hub")))
    cache = find_cache(here, {"HF_HOME": "/x"}, None)
    decider = in_english(cache.decided_by)
    assert (cache.folder, decider) == (str(tmp_path / "ssd/hub"), "the move to storage 'ssd'")
    assert cache.holds_default_model
    told = look(here, {"HF_HOME": "/x"}).model_copy(update={"decided_by": cache.decided_by, "moved": True})
    worker = WorkerState(age_seconds=1, caches=told)
    assert find_cache(here, {}, worker).decided_by == cache.decided_by
    (tmp_path / "ssd").rename(tmp_path / "unplugged")
    assert find_cache(here, {"HF_HOME": "/x"}, None).decided_by == "HF_HOME"


# --- API


def test_an_api_that_takes_six_seconds_to_miss_its_store_says_so() -> None:
    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ready = self.path == "/healthz"
            if not ready:
                time.sleep(5)  # longer than the limit of the other questions
            self.send_response(200 if ready else 503)
            self.end_headers()
            self.wfile.write(b'{"errors": [{"path": "store", "message": "the store is away"}]}')

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = ask_api(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert [item.message for item in api.missing] == ["the store is away"]


# --- store


def test_a_durable_store_answers(valkey: Valkey) -> None:
    store = ask_url(valkey.url, embedded=False)
    assert (store.state, store.durable, store.eviction) == ("answers", True, "noeviction")
    assert (store.version or "").startswith("Valkey 9")


def test_a_store_that_keeps_nothing_on_disk_is_told(valkey: Valkey) -> None:
    redis.Redis(port=valkey.port).config_set("appendonly", "no")
    assert ask_url(valkey.url, embedded=False).durable is False


@pytest.mark.parametrize("password", ["", ":guessed@"])
def test_a_wrong_or_missing_password_is_no_other_trouble(valkey: Valkey, password: str) -> None:
    redis.Redis(port=valkey.port).config_set("requirepass", "s3cret")
    store = ask_url(f"redis://{password}127.0.0.1:{valkey.port}/0", embedded=False)
    assert store.state == "wrong-password"
    assert "guessed" not in repr(store)
    assert ask_url(f"redis://:s3cret@127.0.0.1:{valkey.port}/0", embedded=False).state == "answers"


def test_a_store_that_is_gone_frozen_or_nowhere(valkey: Valkey) -> None:
    with valkey.frozen():
        assert ask_url(valkey.url, embedded=False).state == "silent"
    valkey.kill()
    assert ask_url(valkey.url, embedded=False).state == "unreachable"
    assert ask_url("redis://no-such-host.invalid:6379/0", embedded=False).state == "unreachable"


def test_an_address_that_is_none_is_told_without_its_password(tmp_path: Path) -> None:
    wrong = settings(tmp_path, store_url=SecretStr("http://:s3cret@host/0"))
    store = ask_store(wrong, None)
    assert store.state == "bad-setting"
    assert "s3cret" not in repr(store)


def test_a_password_file_that_can_not_be_read_is_a_bad_setting(tmp_path: Path) -> None:
    missing = tmp_path / "password"
    wrong = settings(tmp_path, store_url=SecretStr("redis://host/0"), store_password_file=missing)
    store = ask_store(wrong, None)
    assert store.state == "bad-setting"
    assert str(missing) in store.detail


def test_without_an_address_the_store_is_the_stacks(tmp_path: Path) -> None:
    assert ask_store(settings(tmp_path), None).state == "not-running"


def test_something_else_on_the_apis_port_is_no_tunedock(valkey: Valkey, tmp_path: Path) -> None:
    facts = gather(settings(tmp_path, api_port=valkey.port), os.environ)
    assert not facts.api.answers
    with pytest.raises(httpx.HTTPError):
        httpx.get(facts.api.url, timeout=1, trust_env=False)
