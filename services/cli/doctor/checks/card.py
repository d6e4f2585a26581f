"""Card and driver: which level between the bus and torch the card gets lost at."""

from services.cli.doctor.checks.finding import (
    WINDOWS_PAGE,
    Finding,
    Status,
    gigabytes,
    ok,
    unknown,
    warning,
)
from services.cli.doctor.compose_env import CHOOSE_CPU, CPU_FILE
from services.cli.doctor.facts import Facts
from services.cli.doctor.programs import complaint_of

WITHOUT_CARD = (
    f"Without a card: TUNEDOCK_DEVICE=cpu; with compose: the line {CHOOSE_CPU} in .env, then docker compose "
    "up -d --wait."
)
REBUILD = "unset TUNEDOCK_TORCH_INDEX and build the image again (docker compose up -d --build --wait)."
CUDA_13_DRIVER = 580
# CUDA 12 runs on any driver of its own generation or a later one.
CUDA_12_DRIVER = 525
CUDA_13_CAPABILITY = 7.5  # Turing


def check_card(facts: Facts) -> Finding:
    seen = facts.card
    if facts.wanted_device == "cpu":
        return ok("card", "TUNEDOCK_DEVICE is cpu: no card is used")
    if seen.cards:
        cards = ", ".join(
            f"{card.name} ({gigabytes(card.memory_bytes)})" if card.memory_bytes else card.name
            for card in seen.cards
        )
        if facts.worker_device == "cpu":
            return warning(
                "card",
                f"{cards} is here, but the worker computes on the CPU",
                f"{_torch_remedy(facts)} Then start the service again.",
            )
        return ok("card", cards)
    if facts.worker_device not in (None, "cpu"):
        return ok("card", f"the worker computes on {facts.worker_device}, which is not seen from here")
    if facts.worker_elsewhere and facts.worker_device == "cpu":
        return ok("card", "the worker computes on the CPU")
    if facts.worker_elsewhere:
        return unknown(
            "card",
            "only the worker's container has the card",
            "Its nvidia-smi: docker compose exec worker nvidia-smi",
        )
    if facts.wsl and "/dev/dxg" not in seen.device_files:
        return _lacking(
            facts,
            "card",
            "WSL has no graphics here: /dev/dxg is missing",
            "Install NVIDIA's driver on Windows, update WSL in PowerShell (wsl --update; wsl --shutdown), "
            "see that the distribution is version 2 (wsl -l -v); "
            f"{WINDOWS_PAGE}, step 1. {WITHOUT_CARD}",
        )
    if facts.wsl or seen.on_pci_bus or seen.device_files:
        return _lacking(facts, "card", f"{_trace(facts)}, but no driver shows it", "See the next line.")
    if facts.wanted_device == "cuda":
        return _lacking(
            facts, "card", "TUNEDOCK_DEVICE is cuda, but this machine shows no NVIDIA card", WITHOUT_CARD
        )
    return ok("card", "this machine shows no NVIDIA card: jobs run on the CPU")


def check_driver(facts: Facts) -> Finding:
    seen, call = facts.card, facts.card.nvidia_smi
    if facts.wanted_device == "cpu":
        return ok("driver", "TUNEDOCK_DEVICE is cpu: no driver is needed")
    if seen.linux_driver_in_wsl:
        return warning(
            "driver",
            "an NVIDIA driver for Linux is installed inside WSL, where it hides the one of Windows",
            f"Remove it: sudo apt purge '^nvidia-.*' '^libnvidia-.*'; {WINDOWS_PAGE}, step 1.",
        )
    if seen.cards:
        return _judge_version(facts)
    if call.path is None:
        expected = bool(seen.device_files) or seen.on_pci_bus or facts.wanted_device == "cuda"
        if facts.worker_elsewhere:
            return unknown("driver", "the driver is the host's, and is not seen from this container")
        if not expected:
            return ok("driver", "no card, so none is needed")
        where = "/usr/lib/wsl/lib has no nvidia-smi" if facts.wsl else "there is no nvidia-smi"
        return _lacking(facts, "driver", f"{where}: NVIDIA's driver is not installed", _install(facts))
    said = complaint_of(call) if call.exit_code != 0 else f"showed no card: {call.output or 'no output'}"
    return _lacking(facts, "driver", f"{call.path} failed: {said}", _mend(facts, said))


def needed_driver(torch: str | None) -> int | None:
    """The oldest driver for a build of torch; None for one without CUDA. Unknown: the build that images take.

    Since 2.11 a build without a local version is for CUDA 13.
    """
    local = (torch or "").partition("+")[2]
    if local == "cpu":
        return None
    return CUDA_12_DRIVER if local.startswith("cu12") else CUDA_13_DRIVER


def _judge_version(facts: Facts) -> Finding:
    card, torch = facts.card.cards[0], facts.worker_torch
    needed = needed_driver(torch)
    build = f"torch {torch}" if torch else "the image's torch"
    if needed is None:
        status_of = _status(facts)
        message = f"driver {card.driver} runs, but {build} is built without CUDA: jobs run on the CPU"
        return Finding(id="driver", status=status_of, message=message, remedy=_torch_remedy(facts))
    older_build = (
        "or take torch's build for CUDA 12.6: set TUNEDOCK_TORCH_INDEX to PyTorch's index of cu126 builds "
        "and install (or build the image) again."
    )
    major = int(card.driver.split(".")[0])
    if major < needed:
        return _lacking(
            facts,
            "driver",
            f"driver {card.driver} is too old: {build} needs {needed} or newer",
            f"Update the driver{' on Windows' if facts.wsl else ''}, {older_build}",
        )
    too_old = card.compute_capability is not None and card.compute_capability < CUDA_13_CAPABILITY
    if too_old and needed == CUDA_13_DRIVER:
        return _lacking(
            facts,
            "driver",
            f"{card.name} (compute capability {card.compute_capability}) is older than CUDA 13 supports",
            f"Use a card from Turing on, {older_build}",
        )
    return ok("driver", f"{card.driver} (needed: {needed} or newer for {build})")


def _torch_remedy(facts: Facts) -> str:
    torch = facts.worker_torch
    if torch and torch.endswith("+cpu"):
        return (
            f"torch {torch} is built without CUDA: unset TUNEDOCK_TORCH_INDEX, remove .venv and call "
            "./tunedock again."
        )
    chosen = "Look for TUNEDOCK_DEVICE=cpu or compose.cpu.yaml in what started it"
    if facts.in_compose and CPU_FILE in facts.compose.chosen:
        chosen = f"Take {CPU_FILE} out of COMPOSE_FILE in {facts.compose.dotenv or 'the environment'}"
    if facts.in_compose:
        return f"{chosen}, and into its log ({facts.worker_log}). If its torch is a CPU build: {REBUILD}"
    return f"{chosen}, and into its log ({facts.worker_log})."


def _trace(facts: Facts) -> str:
    if facts.card.device_files:
        return f"{', '.join(facts.card.device_files)} is there"
    return "the PCI bus shows an NVIDIA card"


def _install(facts: Facts) -> str:
    if facts.wsl:
        return (
            f"Install the driver on Windows, never inside WSL, then wsl --shutdown; {WINDOWS_PAGE}, step 1."
        )
    return f"Install NVIDIA's driver {CUDA_13_DRIVER} or newer and restart the machine. {WITHOUT_CARD}"


def _mend(facts: Facts, said: str) -> str:
    if "blocked by the operating system" in said:
        return (
            "Windows does not let WSL use the card: update the driver on Windows, then wsl --update and wsl "
            "--shutdown. In a container set no-cgroups = false in /etc/nvidia-container-runtime/config.toml."
        )
    if "version mismatch" in said:
        return "The driver was updated under a running system: restart the machine."
    if "gave no answer" in said:
        return "The driver hangs: restart the machine (WSL: wsl --shutdown), then look at dmesg."
    return f"Restart the machine after a driver's update. {_install(facts)}"


def _status(facts: Facts) -> Status:
    """A card that was asked for is an error to lack; with `auto` the CPU does the work."""
    return "error" if facts.wanted_device == "cuda" else "warning"


def _lacking(facts: Facts, id: str, message: str, remedy: str) -> Finding:
    return Finding(id=id, status=_status(facts), message=message, remedy=remedy)
