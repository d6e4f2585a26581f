"""Card and driver: which level between the bus and torch the card gets lost at."""

from services.cli.doctor.checks.finding import (
    Finding,
    Status,
    ok,
    together,
    unknown,
    warning,
    windows_step,
)
from services.cli.doctor.compose_env import CHOOSE_CPU, CPU_FILE
from services.cli.doctor.facts import Card, Facts
from services.cli.doctor.programs import complaint_of
from shared.messages.message import Message, say

WITHOUT_CARD = say("without-a-card", line=CHOOSE_CPU)
CUDA_13_DRIVER = 580
# CUDA 12 runs on any driver of its own generation or a later one.
CUDA_12_DRIVER = 525
CUDA_13_CAPABILITY = 7.5  # Turing


def check_card(facts: Facts) -> Finding:
    seen = facts.card
    if facts.wanted_device == "cpu":
        return ok("card", say("card-not-wanted"))
    if seen.cards:
        cards = [_named(card) for card in seen.cards]
        if facts.worker_device == "cpu":
            message = say("card-but-worker-on-cpu", cards=cards)
            return warning("card", message, *_torch_remedy(facts), say("then-start-again"))
        return ok("card", say("cards-seen", cards=cards))
    if facts.worker_device not in (None, "cpu"):
        return ok("card", say("worker-computes-elsewhere", device=facts.worker_device))
    if facts.worker_elsewhere and facts.worker_device == "cpu":
        return ok("card", say("worker-computes-on-cpu"))
    if facts.worker_elsewhere:
        return unknown("card", say("card-in-worker-container"), say("ask-worker-container-row"))
    if facts.wsl and "/dev/dxg" not in seen.device_files:
        remedies = (say("install-driver-on-windows"), windows_step(1), WITHOUT_CARD)
        return _lacking(facts, "card", say("wsl-without-graphics"), *remedies)
    if facts.wsl or seen.on_pci_bus or seen.device_files:
        return _lacking(facts, "card", _trace(facts), say("see-driver-below"))
    if facts.wanted_device == "cuda":
        return _lacking(facts, "card", say("cuda-without-card"), WITHOUT_CARD)
    return ok("card", say("no-card-so-cpu"))


def check_driver(facts: Facts) -> Finding:
    seen, call = facts.card, facts.card.nvidia_smi
    if facts.wanted_device == "cpu":
        return ok("driver", say("driver-not-wanted"))
    if seen.linux_driver_in_wsl:
        remedies = (say("remove-linux-driver"), windows_step(1))
        return warning("driver", say("linux-driver-in-wsl"), *remedies)
    if seen.cards:
        return _judge_version(facts)
    if call.path is None:
        expected = bool(seen.device_files) or seen.on_pci_bus or facts.wanted_device == "cuda"
        if facts.worker_elsewhere:
            return unknown("driver", say("driver-of-host"))
        if not expected:
            return ok("driver", say("no-card-no-driver"))
        missing = say("wsl-without-nvidia-smi") if facts.wsl else say("without-nvidia-smi")
        return _lacking(facts, "driver", missing, *_install(facts))
    if call.exit_code != 0:
        said = say("nvidia-smi-failed", program=call.path, said=complaint_of(call))
    elif call.output:
        said = say("nvidia-smi-shows-no-card", program=call.path, said=call.output)
    else:
        said = say("nvidia-smi-shows-nothing", program=call.path)
    return _lacking(facts, "driver", said, *_mend(facts))


def needed_driver(torch: str | None) -> int | None:
    """The oldest driver for a build of torch; None for one without CUDA. Unknown: the build that images take.

    Since 2.11 a build without a local version is for CUDA 13.
    """
    local = (torch or "").partition("+")[2]
    if local == "cpu":
        return None
    return CUDA_12_DRIVER if local.startswith("cu12") else CUDA_13_DRIVER


def _named(card: Card) -> str | Message:
    if card.memory_bytes is None:
        return card.name
    return say("card-with-memory-piece", name=card.name, memory_bytes=card.memory_bytes)


def _judge_version(facts: Facts) -> Finding:
    card, torch = facts.card.cards[0], facts.worker_torch
    needed = needed_driver(torch)
    build = say("torch-version-piece", version=torch) if torch else say("torch-of-image-piece")
    if needed is None:
        message = say("driver-but-no-cuda", driver=card.driver, torch=build)
        return _lacking(facts, "driver", message, *_torch_remedy(facts))
    if int(card.driver.split(".")[0]) < needed:
        message = say("driver-too-old", driver=card.driver, torch=build, needed=needed)
        return _lacking(facts, "driver", message, say("update-driver", windows=facts.wsl))
    too_old = card.compute_capability is not None and card.compute_capability < CUDA_13_CAPABILITY
    if too_old and needed == CUDA_13_DRIVER:
        message = say("card-too-old", card=card.name, capability=str(card.compute_capability))
        return _lacking(facts, "driver", message, say("use-newer-card"))
    return ok("driver", say("driver-fits", driver=card.driver, needed=needed, torch=build))


def _torch_remedy(facts: Facts) -> list[Message]:
    torch = facts.worker_torch
    if torch and torch.endswith("+cpu"):
        return [say("torch-without-cuda", version=torch)]
    chosen = say("look-what-chose-cpu", log=facts.worker_log)
    if facts.in_compose and CPU_FILE in facts.compose.chosen:
        place = facts.compose.dotenv or say("the-environment-piece")
        chosen = say("take-cpu-file-out", file=CPU_FILE, place=place, log=facts.worker_log)
    return [chosen, say("cpu-build-in-image")] if facts.in_compose else [chosen]


def _trace(facts: Facts) -> Message:
    """What shows a card that no driver shows."""
    if files := facts.card.device_files:
        return say("card-device-without-driver", files=files, count=len(files))
    return say("card-on-bus-without-driver")


def _install(facts: Facts) -> list[Message]:
    if facts.wsl:
        return [say("never-inside-wsl"), windows_step(1)]
    return [say("install-driver", needed=CUDA_13_DRIVER), WITHOUT_CARD]


def _mend(facts: Facts) -> list[Message]:
    call = facts.card.nvidia_smi
    if call.is_silent:
        return [say("driver-hangs")]
    said = f"{call.complaint} {call.output}"
    if "blocked by the operating system" in said:
        return [say("windows-blocks-card")]
    if "version mismatch" in said:
        return [say("driver-updated-under-way")]
    return [say("restart-after-update"), *_install(facts)]


def _lacking(facts: Facts, id: str, message: Message, *remedies: Message) -> Finding:
    """A card that was asked for is an error to lack; with `auto` the CPU does the work."""
    status: Status = "error" if facts.wanted_device == "cuda" else "warning"
    return Finding(id=id, status=status, message=message, remedy=together(*remedies))
