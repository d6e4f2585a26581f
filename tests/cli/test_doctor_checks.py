"""The doctor's checks on facts of many machines: each trap is named, with the way out."""

import re
from pathlib import Path

import pytest

from services.cli.doctor.checks import examine
from services.cli.doctor.checks.card import needed_driver
from services.cli.doctor.checks.engine import REFUSAL
from services.cli.doctor.facts import (
    ApiFacts,
    CacheFacts,
    Card,
    CardFacts,
    DataUse,
    EngineFacts,
    Facts,
    Folder,
    FolderRole,
    KeyFacts,
    Missing,
    PowerFacts,
    ProgramCall,
    StoreFacts,
    WebhookFacts,
    WorkerState,
)
from services.cli.doctor.programs import ask_program
from shared.messages.message import say
from shared.reports.storage import BlockDevice
from tests.cli.doctor_facts import (
    RTX_3050,
    SSD,
    finding,
    folder,
    healthy,
    on_wsl,
    recorded_storage,
    told,
    with_folder,
)
from tests.cli.programs import make_program

NO_API = ApiFacts(url="http://127.0.0.1:8080")
NO_CARD = CardFacts()
IN_COMPOSE = {
    "container": True,
    "store": StoreFacts(embedded=False, state="answers", durable=True),
    "card": NO_CARD,
}


def test_a_healthy_machine_has_nothing_to_mend() -> None:
    assert {found.status for found in examine(healthy())} <= {"ok", "unknown"}
    assert [found.id for found in examine(healthy()) if found.status == "unknown"] == ["power"]


def test_every_line_that_asks_for_a_deed_says_which() -> None:
    for facts in (
        healthy(),
        on_wsl(),
        healthy(api=NO_API, card=NO_CARD),
        healthy(wanted_device="cuda", card=NO_CARD),
    ):
        found = examine(facts)
        assert len({one.id for one in found}) == len(found)
        assert all(one.remedy for one in found if one.status in ("warning", "error"))
        assert all(re.fullmatch("[a-z-]+", one.id) for one in found)


# --- store, API, key, worker


@pytest.mark.parametrize(
    ("state", "embedded", "says", "remedy"),
    [
        ("not-running", True, "embedded store is not running", "./tunedock up"),
        ("unreachable", False, "Nothing answers for the store at db:6379", "TUNEDOCK_STORE_URL"),
        ("unreachable", True, "Nothing answers for the embedded store", "store.log"),
        ("wrong-password", False, "refuses the password", "TUNEDOCK_STORE_PASSWORD_FILE"),
        ("silent", False, "does not answer", "log"),
        ("bad-setting", False, "can't be used", "Correct"),
    ],
)
def test_a_store_that_is_away_is_told_by_its_reason(
    state: str, embedded: bool, says: str, remedy: str
) -> None:
    store = StoreFacts.model_validate({"embedded": embedded, "state": state, "address": "db:6379"})
    found = finding(healthy(store=store, api=NO_API), "store")
    assert found.status == "error"
    assert says in found.message
    assert remedy in found.remedy


def test_a_stack_elsewhere_answers_for_its_store() -> None:
    store = StoreFacts(embedded=True, state="not-running")
    assert finding(healthy(store=store), "store").status == "ok"
    lacking = ApiFacts(url="http://x", answers=True, missing=(Missing(path="store", message="start it"),))
    assert finding(healthy(store=store, api=lacking), "store").status == "error"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"durable": False}, "in memory only"),
        ({"eviction": "allkeys-lru"}, "allkeys-lru"),
        ({"version": "Redis 6.0.16"}, "too old"),
    ],
)
def test_a_store_that_forgets_or_is_old_is_named(changed: dict[str, object], says: str) -> None:
    found = finding(healthy(store=healthy().store.model_copy(update=changed)), "store")
    assert found.status in ("warning", "error")
    assert says in found.message


def test_a_loading_store_needs_patience_only() -> None:
    assert finding(healthy(store=StoreFacts(embedded=True, state="loading")), "store").status == "warning"


def test_a_key_that_the_api_refuses_is_an_error_and_an_unasked_one_is_unknown() -> None:
    refused = KeyFacts(path="/data/api.key", accepted=False)
    assert "refuses the key" in finding(healthy(key=refused), "key").message
    assert finding(healthy(key=refused), "key").status == "error"
    assert finding(healthy(key=KeyFacts(path="/data/api.key"), api=NO_API), "key").status == "unknown"
    missing = finding(healthy(key=KeyFacts(path="/data/api.key", problem="can't read it")), "key")
    assert "docker compose exec api tunedock key" in missing.remedy


def test_a_worker_without_its_card_says_so_in_its_own_words() -> None:
    worker = WorkerState(age_seconds=3, problem=say("worker-sees-no-card"))
    api = ApiFacts(url="http://x", answers=True, missing=(Missing(path="worker", message="…"),))
    found = finding(healthy(worker=worker, api=api), "worker")
    assert found.status == "error"
    assert found.message.startswith("TUNEDOCK_DEVICE is cuda, but this worker sees no NVIDIA card.")


def test_what_a_stopped_service_left_behind_is_not_called_alive() -> None:
    stopped = StoreFacts(embedded=True, state="not-running")
    left = {"api": NO_API, "store": stopped, "worker": WorkerState(age_seconds=15, device="cpu")}
    found = finding(healthy(stack_here=False, engine=EngineFacts(), **left), "worker")
    assert (found.status, found.message) == (
        "unknown", "It does not run. Its last sign of life was 15.0 s ago."
    )  # fmt: skip
    assert found.remedy == "Start the service: ./tunedock up"
    assert "It runs on cpu" in finding(healthy(stack_here=True, **left), "worker").message


@pytest.mark.parametrize(("version", "offered"), [(None, False), ("27.5", True)])
def test_compose_is_advised_only_where_an_engine_runs_it(version: str | None, offered: bool) -> None:
    facts = healthy(stack_here=False, api=NO_API, engine=EngineFacts(version=version))
    assert ("docker compose" in finding(facts, "api").remedy) == offered


def test_a_worker_that_is_starting_silent_or_unknown_is_told_apart() -> None:
    starting = ApiFacts(url="http://x", answers=True, missing=(Missing(path="worker", message="start it"),))
    assert "start it" in finding(healthy(api=starting), "worker").message
    silent = finding(healthy(api=NO_API, worker=WorkerState(age_seconds=7300, device="cpu")), "worker")
    assert (silent.status, silent.message) == ("error", "Its last sign of life was 2.0 h ago.")
    alive = finding(healthy(api=NO_API, worker=WorkerState(age_seconds=2, device="cpu")), "worker")
    assert (alive.status, alive.message) == ("unknown", "It runs on cpu. The API can't say more.")
    assert finding(healthy(api=NO_API), "worker").status == "unknown"


def test_in_containers_the_logs_and_the_store_are_composes() -> None:
    away = StoreFacts(embedded=False, state="unreachable", address="store:6379")
    api = ApiFacts(url="http://x", answers=True, missing=(Missing(path="worker", message="none"),))
    facts = healthy(container=True, stack_here=False, store=away, api=api)
    assert "docker compose up -d store" in finding(facts, "store").remedy
    assert "docker compose logs worker" in finding(facts, "worker").remedy
    assert "data/logs" not in "".join(told(found).remedy for found in examine(facts))
    local = healthy(api=api)
    assert "/home/me/tunedock/data/logs/worker.log" in finding(local, "worker").remedy


def test_beside_a_service_in_containers_a_missing_key_is_no_error() -> None:
    missing = KeyFacts(path="/data/api.key", problem="can't read /data/api.key")
    found = finding(healthy(stack_here=False, key=missing), "key")
    assert found.status == "unknown"
    assert "docker compose exec api tunedock key" in found.remedy
    assert finding(healthy(key=missing), "key").status == "error"


def test_a_cpu_build_in_an_image_asks_for_another_image() -> None:
    worker = WorkerState(age_seconds=3, problem=say("worker-torch-without-cuda", torch="2.13.0+cpu"))
    assert "--build" in finding(healthy(**IN_COMPOSE, worker=worker), "worker").remedy
    cpu = ApiFacts(url="http://x", answers=True, ready=True, devices=("cpu",))
    card = healthy().card.model_copy(update={"torch": "2.13.0+cpu"})
    beside = healthy(stack_here=False, card=card, api=cpu)
    assert "--build" in finding(beside, "card").remedy
    assert "the image's torch needs 580 or newer" in finding(beside, "driver").message


# --- card and driver


def test_a_machine_without_a_card_is_fine_unless_one_was_asked_for() -> None:
    cpu = ApiFacts(url="http://x", answers=True, ready=True, devices=("cpu",))
    assert finding(healthy(card=NO_CARD, api=cpu), "card").status == "ok"
    assert finding(healthy(card=NO_CARD, api=cpu), "driver").status == "ok"
    asked = healthy(card=NO_CARD, api=NO_API, wanted_device="cuda")
    assert finding(asked, "card").status == "error"
    assert "compose.cpu.yaml" in finding(asked, "card").remedy
    assert "no nvidia-smi" in finding(asked, "driver").message


def test_wsl_without_graphics_points_to_windows() -> None:
    found = finding(on_wsl(card=NO_CARD, api=NO_API, wanted_device="cuda"), "card")
    assert found.status == "error"
    assert "/dev/dxg is missing" in found.message
    assert "on Windows" in found.remedy
    assert "wsl --update" in found.remedy


def test_wsl_with_graphics_but_no_driver_forbids_one_inside_wsl() -> None:
    found = finding(on_wsl(card=CardFacts(device_files=("/dev/dxg",)), api=NO_API), "driver")
    assert found.status == "warning"
    assert "/usr/lib/wsl/lib" in found.message
    assert "never inside WSL" in found.remedy


def test_a_linux_driver_inside_wsl_is_found() -> None:
    card = CardFacts(cards=(RTX_3050,), device_files=("/dev/dxg",), linux_driver_in_wsl=True)
    assert "It hides the driver of Windows" in finding(on_wsl(card=card), "driver").message


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Failed to initialize NVML: GPU access blocked by the operating system", "no-cgroups"),
        ("Failed to initialize NVML: Driver/library version mismatch", "Restart the machine"),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "580 or newer"),
    ],
)
def test_a_failing_nvidia_smi_is_quoted_with_its_own_remedy(said: str, remedy: str) -> None:
    call = ProgramCall(path="/usr/bin/nvidia-smi", exit_code=9, output=said)
    found = finding(healthy(card=CardFacts(nvidia_smi=call, on_pci_bus=True), api=NO_API), "driver")
    assert said in found.message
    assert remedy in found.remedy


def test_an_nvidia_smi_that_gives_no_answer_is_told_as_a_driver_that_hangs(tmp_path: Path) -> None:
    make_program(tmp_path / "nvidia-smi", "sleep 60")
    call = ask_program("nvidia-smi", [], {"PATH": f"{tmp_path}:/usr/bin:/bin"}, limit_seconds=0.2)
    found = finding(healthy(card=CardFacts(nvidia_smi=call, on_pci_bus=True), api=NO_API), "driver")
    assert found.message == f"{tmp_path}/nvidia-smi failed: It gave no answer within 0.20 s."
    assert "does not answer" in found.remedy


def test_a_card_on_the_bus_without_a_driver_is_a_warning() -> None:
    found = finding(healthy(card=CardFacts(on_pci_bus=True), api=NO_API), "card")
    assert (found.status, found.message) == (
        "warning",
        "There is an NVIDIA card on the PCI bus, but no driver reports it.",
    )


def test_a_driver_too_old_for_cuda_13_offers_the_older_build() -> None:
    old = RTX_3050.model_copy(update={"driver": "566.36"})
    found = finding(
        on_wsl(card=healthy().card.model_copy(update={"cards": (old,)}), wanted_device="cuda"), "driver"
    )
    assert found.status == "error"
    assert found.message == "The driver 566.36 is too old: torch 2.13.0 needs 580 or newer."
    assert "TUNEDOCK_TORCH_INDEX" in found.remedy
    assert "cu126" in found.remedy
    enough = CardFacts(cards=(old,), torch="2.13.0+cu126")
    assert finding(healthy(card=enough), "driver").status == "ok"


def test_a_card_older_than_cuda_13_is_told() -> None:
    pascal = Card(name="GTX 1060", driver="580.95.05", compute_capability=6.1)
    assert "older than CUDA 13" in finding(healthy(card=CardFacts(cards=(pascal,))), "driver").message


def test_a_build_without_cuda_beside_a_card_is_told() -> None:
    card = CardFacts(cards=(RTX_3050,), torch="2.13.0+cpu")
    cpu = ApiFacts(url="http://x", answers=True, ready=True, devices=("cpu",))
    assert "without CUDA" in finding(healthy(card=card), "driver").message
    assert "the worker computes on the CPU" in finding(healthy(card=card, api=cpu), "card").message


def test_the_driver_goes_by_the_build() -> None:
    assert {needed_driver(torch) for torch in (None, "2.13.0", "2.13.0+cu132")} == {580}
    assert needed_driver("2.13.0+cu126") == 525
    assert needed_driver("2.13.0+cpu") is None


def test_the_cpu_by_choice_needs_neither_card_nor_driver() -> None:
    facts = on_wsl(card=NO_CARD, wanted_device="cpu")
    assert [finding(facts, name).status for name in ("card", "driver", "spill")] == ["ok", "ok", "ok"]


def test_from_the_apis_container_the_worker_speaks_for_the_card() -> None:
    facts = healthy(**IN_COMPOSE)
    assert finding(facts, "card").message.startswith("The worker computes on NVIDIA GeForce RTX 3050")
    cpu = ApiFacts(url="http://x", answers=True, ready=True, devices=("cpu",))
    assert finding(healthy(**IN_COMPOSE, api=cpu), "card").message == "The worker computes on the CPU."
    silent = healthy(**IN_COMPOSE, api=NO_API)
    unseen = ("card", "driver", "container-runtime", "model-cache", "cache-variables", "host-cache")
    assert {finding(silent, name).status for name in unseen} == {"unknown"}


# --- container engine


def test_an_engine_without_nvidias_runtime_is_explained_by_its_own_refusal() -> None:
    engine = EngineFacts(path="/usr/bin/docker", version="28.2.2", runtimes=("io.containerd.runc.v2", "runc"))
    linux = finding(healthy(engine=engine), "container-runtime")
    assert linux.status == "warning"
    assert REFUSAL in linux.message
    assert "nvidia-ctk runtime configure --runtime=docker" in linux.remedy
    assert "compose.cpu.yaml" in linux.remedy
    assert finding(healthy(engine=engine, wanted_device="cuda"), "container-runtime").status == "error"
    assert "Inside this WSL" in finding(on_wsl(engine=engine), "container-runtime").remedy
    bare = finding(healthy(engine=engine, card=NO_CARD), "container-runtime")
    assert bare.remedy.startswith("Without a card")


@pytest.mark.parametrize("changed", [{"runtimes": ("nvidia", "runc")}, {"nvidia_hook": True}])
def test_an_engine_with_the_toolkit_hands_the_card_on(changed: dict[str, object]) -> None:
    engine = EngineFacts.model_validate({"path": "/usr/bin/docker", "version": "28.2.2", **changed})
    assert finding(healthy(engine=engine), "container-runtime").status == "ok"


def test_docker_desktop_is_asked_by_a_trial() -> None:
    engine = EngineFacts(
        path="/usr/bin/docker", version="28.2.2", operating_system="Docker Desktop", runtimes=("runc",)
    )
    found = finding(on_wsl(engine=engine), "container-runtime")
    assert found.status == "unknown"
    assert "docker run --rm --gpus all" in found.remedy


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "Start the engine"),
        ("permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
        ("The command 'docker' could not be found in this WSL 2 distro.", "WSL integration"),
    ],
)
def test_an_engine_that_does_not_answer_has_its_own_remedy(problem: str, remedy: str) -> None:
    engine = EngineFacts(path="/usr/bin/docker", problem=problem)
    assert remedy in finding(healthy(engine=engine), "container-runtime").remedy


# --- folders and cache


@pytest.mark.parametrize(
    ("table", "path", "device"),
    [
        ("wsl2_9p", "/mnt/c/Users/me/tunedock", "0:71"),
        ("wsl1_drvfs", "/mnt/d/tunedock", "0:9"),
        ("wsl2_virtiofs", "/mnt/c/tunedock", "0:72"),
    ],
)
@pytest.mark.parametrize(
    ("role", "id"),
    [
        ("repository", "repository"),
        ("data", "data-folder"),
        ("datasets", "datasets-folder"),
        ("models", "models-folder"),
        ("model-cache", "model-cache"),
    ],
)
def test_a_drive_letter_of_windows_is_the_trap(
    table: str, path: str, device: str, role: FolderRole, id: str
) -> None:
    storage = recorded_storage(table, path, device)
    found = finding(with_folder(on_wsl(), folder(role, storage)), id)
    assert found.status == "warning"
    assert "a drive of Windows" in found.message
    assert path in found.message
    assert "docs/windows.md, step 3" in found.remedy


def test_the_linux_side_of_wsl_is_no_trap_but_its_disk_is_unknown() -> None:
    storage = recorded_storage("wsl2_9p", "/home/me/tunedock", "8:48")
    facts = with_folder(on_wsl(), folder("data", storage))
    assert finding(facts, "data-folder").status == "ok"
    cache = finding(with_folder(facts, folder("model-cache", storage)), "model-cache")
    assert cache.status == "unknown"
    assert "disk image of Windows" in cache.message


@pytest.mark.parametrize(
    ("table", "path", "device", "says"),
    [
        ("nfs", "/srv/models/exaone", "0:55", "Every load reads through it"),
        ("docker_desktop_macos", "/models/x", "0:40", "Every load reads through it"),
        ("container", "/home/app/.cache/huggingface", "0:171", "downloads everything again"),
        ("container", "/dev/shm/model", "0:175", "in memory"),
    ],
)
def test_a_cache_on_a_slow_or_passing_place_is_named(table: str, path: str, device: str, says: str) -> None:
    found = finding(
        with_folder(healthy(), folder("model-cache", recorded_storage(table, path, device))), "model-cache"
    )
    assert found.status == "warning"
    assert says in found.message


def test_a_named_volume_in_a_container_is_fine() -> None:
    storage = recorded_storage("container", "/cache/hub", "259:2")
    assert finding(with_folder(healthy(), folder("model-cache", storage)), "model-cache").status == "ok"


@pytest.mark.parametrize(("disk", "status"), [("sda", "warning"), ("vda", "unknown"), ("loop3", "unknown")])
def test_a_hard_disk_is_believed_unless_it_is_virtual(disk: str, status: str) -> None:
    device = BlockDevice(name=disk, device="8:1", disks=(disk,), rotational=True)
    storage = SSD.model_copy(update={"block_device": device})
    assert finding(with_folder(healthy(), folder("model-cache", storage)), "model-cache").status == status


def test_data_in_a_containers_layer_in_memory_or_read_only_is_named() -> None:
    layer = recorded_storage("container", "/app/data", "0:171")
    assert (
        "is deleted with it" in finding(with_folder(healthy(), folder("data", layer)), "data-folder").message
    )
    memory = recorded_storage("container", "/dev/shm/data", "0:175")
    assert (
        "at the next restart"
        in finding(with_folder(healthy(), folder("data", memory)), "data-folder").message
    )
    locked = with_folder(healthy(), folder("data", writable=False))
    assert finding(locked, "data-folder").status == "error"


def test_a_missing_folder_is_a_warning_but_data_is_made_at_the_start() -> None:
    facts = with_folder(
        with_folder(healthy(), folder("datasets", exists=False)), folder("data", exists=False)
    )
    assert finding(facts, "datasets-folder").status == "warning"
    assert finding(facts, "data-folder").status == "ok"


def test_room_is_measured_against_the_setting_and_the_model() -> None:
    full = SSD.model_copy(update={"free_bytes": 100_000_000})
    assert finding(with_folder(healthy(), folder("data", full)), "disk-space").status == "error"
    tight = with_folder(healthy(), folder("model-cache", SSD.model_copy(update={"free_bytes": 4 * 10**9})))
    assert finding(tight, "disk-space").status == "warning"
    cached = tight.cache.model_copy(update={"holds_default_model": True})
    assert finding(tight.model_copy(update={"cache": cached}), "disk-space").status == "ok"


def test_a_variable_set_in_vain_is_named_with_the_one_that_won() -> None:
    cache = CacheFacts(folder="/c/hub", decided_by="HF_HOME", ignored=(("TRANSFORMERS_CACHE", "/old"),))
    found = finding(healthy(cache=cache), "cache-variables")
    assert found.status == "warning"
    assert "TRANSFORMERS_CACHE=/old is ignored" in found.message
    assert "The cache is /c/hub, decided by HF_HOME." in found.message
    assert "HF_HUB_CACHE=/old" in found.remedy


def test_the_old_cache_may_be_slow_but_must_be_there() -> None:
    windows = recorded_storage("wsl2_9p", "/mnt/c/Users/me/.cache/huggingface/hub", "0:71")
    assert finding(with_folder(on_wsl(), folder("host-cache", windows)), "host-cache").status == "ok"
    gone = with_folder(on_wsl(), folder("host-cache", windows, exists=False))
    assert finding(gone, "host-cache").status == "warning"


# --- caches that the worker tells of


def compose_with(changed: Folder) -> Facts:
    told = CacheFacts(folder="/hf-cache/hub", decided_by="the worker's HF_HOME", told_by_worker=True)
    cache = folder("model-cache", path="/hf-cache/hub")
    facts = healthy(**IN_COMPOSE, stack_here=False, cache=told, folders=(folder("data"), cache))
    return with_folder(facts, changed)


def host_cache(**changed: object) -> Folder:
    seen = folder("host-cache", path="/host-hf-cache", models=0)
    return seen.model_copy(update=changed)


def test_in_compose_the_workers_words_are_judged() -> None:
    facts = compose_with(host_cache(models=3, mount_root="/home/me/.cache/huggingface"))
    for name in ("model-cache", "cache-variables", "host-cache"):
        assert finding(facts, name).status == "ok"
    windows = recorded_storage("wsl2_9p", "/mnt/c/hub", "0:71")
    slow = finding(with_folder(facts, folder("model-cache", windows)), "model-cache")
    assert slow.status == "warning"
    assert "TUNEDOCK_HF_CACHE" in slow.remedy


@pytest.mark.parametrize(
    ("mount_root", "status", "says"),
    [
        ("/var/lib/docker/volumes/tunedock_no-host-cache/_data", "ok", "is not set"),
        ("/home/me/.cache/typo", "warning", "/home/me/.cache/typo"),
        (None, "unknown", "empty. If you set TUNEDOCK_HOST_HF_CACHE, that folder has no models"),
    ],
)
def test_an_empty_host_cache_is_composes_own_or_a_wrong_name(
    mount_root: str | None, status: str, says: str
) -> None:
    found = finding(compose_with(host_cache(mount_root=mount_root)), "host-cache")
    assert found.status == status
    assert says in found.message
    assert status != "warning" or "the engine makes an empty one" in found.remedy


def test_a_host_cache_that_the_worker_may_not_read_is_told() -> None:
    found = finding(compose_with(host_cache(readable=False, mount_root="/home/me/hub")), "host-cache")
    assert (found.status, "can't read" in found.message) == ("warning", True)


def test_beside_a_service_in_containers_the_own_cache_is_not_judged() -> None:
    facts = healthy(stack_here=False)
    for name in ("model-cache", "cache-variables", "host-cache"):
        assert finding(facts, name).status == "unknown"
        assert "docker compose exec api tunedock doctor" in finding(facts, name).remedy
    assert "model cache" not in finding(facts, "disk-space").message


# --- memory, spill, power


def test_a_small_wsl_is_raised_in_wslconfig() -> None:
    found = finding(on_wsl(memory_bytes=8 * 10**9), "memory")
    assert found.status == "warning"
    assert ".wslconfig" in found.remedy
    assert finding(healthy(memory_bytes=8 * 10**9), "memory").status == "ok"


def test_spill_is_windows_own_and_unknown_from_wsl() -> None:
    assert finding(on_wsl(), "spill").status == "unknown"
    assert finding(healthy(), "spill").status == "ok"


@pytest.mark.parametrize(
    ("power", "status"),
    [
        (PowerFacts(on_battery=True), "warning"),
        (PowerFacts(on_battery=False), "ok"),
        (PowerFacts(on_battery=False, profile="low-power"), "warning"),
        (PowerFacts(profile="performance"), "ok"),
        (PowerFacts(governor="acpi-cpufreq/powersave"), "warning"),
        (PowerFacts(governor="intel_pstate/powersave/balance_performance"), "ok"),
        (PowerFacts(governor="intel_pstate/powersave/power"), "warning"),
        (PowerFacts(), "unknown"),
    ],
)
def test_power_is_judged_by_source_profile_and_governor(power: PowerFacts, status: str) -> None:
    assert finding(healthy(power=power), "power").status == status


def test_windows_power_mode_is_unknown_even_on_mains() -> None:
    assert finding(on_wsl(power=PowerFacts(on_battery=False)), "power").status == "unknown"


# --- what fills up


def test_the_data_folder_s_bytes_are_told_by_kind_largest_first() -> None:
    use = DataUse(by_kind={"adapters": 3 * 10**9, "prepared_models": 9 * 10**9, "rows": 10})
    found = finding(healthy(data_use=use), "data-use")
    assert found.message.endswith("takes 12.00 GB: prepared models 9.00 GB and adapters 3.00 GB.")
    part = DataUse(by_kind={"adapters": 3 * 10**9}, complete=False)
    assert "at least 3.00 GB" in finding(healthy(data_use=part), "data-use").message
    elsewhere = healthy(stack_here=False, data_use=use)
    assert finding(elsewhere, "data-use").status == "unknown"


@pytest.mark.parametrize(
    ("webhooks", "status", "says"),
    [
        (WebhookFacts(), "unknown", "does not answer"),
        (WebhookFacts(looked_at=0), "ok", "No address"),
        (WebhookFacts(looked_at=3), "ok", "The newest 3"),
        (
            WebhookFacts(looked_at=3, not_delivered=1, url="https://a.example/", problem="It answered 500."),
            "warning",
            "Of the newest 3, 1 was not delivered. The last of these was to https://a.example/. It",
        ),
    ],
)
def test_webhooks_that_nobody_heard_are_told(webhooks: WebhookFacts, status: str, says: str) -> None:
    found = finding(healthy(webhooks=webhooks), "webhooks")
    assert found.status == status
    assert says in found.message
    assert status != "warning" or "./tunedock webhooks" in found.remedy


@pytest.mark.parametrize(
    ("used", "limit", "status"),
    [(100, 512, "ok"), (420, 512, "warning"), (9999, 0, "ok"), (None, None, "unknown")],
)
def test_a_store_is_warned_of_before_it_is_full(used: int | None, limit: int | None, status: str) -> None:
    store = healthy().store.model_copy(update={"memory_bytes": used, "memory_limit_bytes": limit})
    found = finding(healthy(store=store), "store-memory")
    assert found.status == status
    assert status != "warning" or "prune --dry-run" in found.remedy
