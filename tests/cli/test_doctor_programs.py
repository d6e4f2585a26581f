"""docker and nvidia-smi as the doctor asks them: small real programs on a PATH of the test's own."""

import json
import time
from pathlib import Path

from services.cli.doctor.ask_card import ask_card, read_cards
from services.cli.doctor.ask_engine import ask_engine
from services.cli.doctor.facts import CardFacts
from services.cli.doctor.programs import ask_program
from shared.messages.render import in_english
from tests.cli.programs import make_program

# What client 28.2.2 writes, and ends with 0, where no engine listens; shortened.
NO_ENGINE = (
    '{"ID":"","OperatingSystem":"","ServerVersion":"","Runtimes":null,"ClientInfo":{"Version":"28.2.2"}}'
)
NOT_CONNECTED = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)


def engine_says(**fields: object) -> str:
    return json.dumps({"ServerVersion": "28.2.2", "OperatingSystem": "Ubuntu 24.04", **fields})


def card_of(folder: Path, **kinds: bool) -> CardFacts:
    return ask_card(folder, {"PATH": f"{folder}/bin"}, **{"wsl": False, "container": False} | kinds)


def test_a_program_that_is_not_there_is_no_failure() -> None:
    assert ask_program("nvidia-smi", [], {"PATH": "/nowhere"}).path is None


def test_a_program_that_hangs_with_its_children_is_left_after_the_limit(tmp_path: Path) -> None:
    make_program(tmp_path / "docker", "sleep 60 & sleep 60")
    started = time.monotonic()
    engine = ask_engine({"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert time.monotonic() - started < 8
    assert in_english(engine.problem) == "It gave no answer within 5.00 s."


def test_a_program_that_can_not_be_started_is_told(tmp_path: Path) -> None:
    (tmp_path / "docker").write_bytes(b"\x7fELF broken")
    (tmp_path / "docker").chmod(0o755)
    assert "can't be started" in in_english(ask_engine({"PATH": str(tmp_path)}).problem)


def test_an_engine_without_a_daemon_is_known_by_its_empty_answer(tmp_path: Path) -> None:
    make_program(tmp_path / "docker", f"echo '{NO_ENGINE}'; echo '{NOT_CONNECTED}' >&2")
    assert ask_engine({"PATH": str(tmp_path)}).problem == NOT_CONNECTED


def test_runtimes_are_read_and_warnings_beside_them_do_no_harm(tmp_path: Path) -> None:
    answer = engine_says(Runtimes={"runc": {"path": "runc"}, "nvidia": {"path": "nvidia-container-runtime"}})
    make_program(tmp_path / "docker", f"echo 'WARNING: No swap limit support' >&2; echo '{answer}'")
    engine = ask_engine({"PATH": str(tmp_path)})
    assert (engine.version, engine.runtimes, engine.problem) == ("28.2.2", ("nvidia", "runc"), "")


def test_the_toolkits_hook_or_a_cdi_device_counts_too(tmp_path: Path) -> None:
    make_program(tmp_path / "docker", f"echo '{engine_says(Runtimes={'runc': {}})}'")
    assert not ask_engine({"PATH": str(tmp_path)}).nvidia_hook
    make_program(tmp_path / "nvidia-container-runtime-hook", "exit 0")
    assert ask_engine({"PATH": str(tmp_path)}).nvidia_hook
    cdi = tmp_path / "cdi"
    cdi.mkdir()
    devices = [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]
    make_program(cdi / "docker", f"echo '{engine_says(DiscoveredDevices=devices)}'")
    assert ask_engine({"PATH": str(cdi)}).nvidia_hook


def test_dockers_stand_in_of_an_unintegrated_wsl_is_quoted(tmp_path: Path) -> None:
    make_program(tmp_path / "docker", 'echo "The command could not be found in this WSL 2 distro."; exit 1')
    assert "could not be found in this WSL" in in_english(ask_engine({"PATH": str(tmp_path)}).problem)


def test_cards_are_read_from_the_drivers_table(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    make_program(
        tmp_path / "bin/nvidia-smi", "echo 'NVIDIA GeForce RTX 3050 6GB Laptop GPU, 581.29, 6144, 8.6'"
    )
    (card,) = card_of(tmp_path).cards
    assert (card.driver, card.memory_bytes, card.compute_capability) == ("581.29", 6144 * 1024**2, 8.6)


def test_fields_without_a_value_are_none() -> None:
    (card,) = read_cards("Tesla K80, 470.82.01, [N/A], [N/A]\n\nnonsense\n")
    assert (card.name, card.memory_bytes, card.compute_capability) == ("Tesla K80", None, None)


def test_an_old_driver_that_knows_fewer_fields_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    make_program(
        tmp_path / "bin/nvidia-smi",
        """case "$1" in
        *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;;
        *) echo 'GeForce GTX 1060 3GB, 450.80.02, 3019';; esac""",
    )
    assert [card.driver for card in card_of(tmp_path).cards] == ["450.80.02"]


def test_a_driver_that_does_not_run_shows_no_card_but_its_words(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    make_program(
        tmp_path / "bin/nvidia-smi", 'echo "NVIDIA-SMI has failed because it couldn\'t communicate"; exit 9'
    )
    seen = card_of(tmp_path)
    assert (seen.cards, seen.nvidia_smi.exit_code) == ((), 9)
    assert "NVIDIA-SMI has failed" in seen.nvidia_smi.output


def test_under_wsl_the_driver_of_windows_goes_first(tmp_path: Path) -> None:
    for place, driver in (("bin", "535.1"), ("usr/lib/wsl/lib", "581.29")):
        (tmp_path / place).mkdir(parents=True)
        make_program(tmp_path / place / "nvidia-smi", f"echo 'RTX 3050, {driver}, 6144, 8.6'")
    assert [card.driver for card in card_of(tmp_path, wsl=True).cards] == ["581.29"]


def test_a_linux_driver_is_looked_for_inside_wsl_only(tmp_path: Path) -> None:
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    (libraries / "libnvidia-ml.so.580.95.05").touch()
    assert card_of(tmp_path, wsl=True).linux_driver_in_wsl
    assert not card_of(tmp_path, wsl=True, container=True).linux_driver_in_wsl
    assert not card_of(tmp_path).linux_driver_in_wsl


def test_bus_and_device_files_show_a_card_that_no_driver_shows(tmp_path: Path) -> None:
    device = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030000\n")
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidiactl", "dxg"):
        (tmp_path / "dev" / name).touch()
    seen = card_of(tmp_path)
    assert seen.on_pci_bus
    assert seen.device_files == ("/dev/nvidia0", "/dev/dxg")
    (device / "class").write_text("0x040300\n")  # the card's sound
    assert not card_of(tmp_path).on_pci_bus
