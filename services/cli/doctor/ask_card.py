"""What of an NVIDIA card this machine shows: on the bus, in /dev, through the driver, to torch."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from services.cli.doctor.facts import Card, CardFacts, ProgramCall
from services.cli.doctor.programs import ask_program

WSL_DRIVER = "usr/lib/wsl/lib"  # where Windows puts the driver's Linux side
NVIDIA = "0x10de"
# Old drivers do not know the last field and refuse the whole question.
FIELDS = ("name,driver_version,memory.total,compute_cap", "name,driver_version,memory.total")


def ask_card(root: Path, environment: Mapping[str, str], *, wsl: bool, container: bool) -> CardFacts:
    """Facts about cards; `root` is another machine's recorded /dev, /sys and /usr."""
    answer = _ask_driver(root, environment)
    return CardFacts(
        cards=read_cards(answer.output) if answer.exit_code == 0 else (),
        nvidia_smi=answer,
        on_pci_bus=_on_pci_bus(root / "sys/bus/pci/devices"),
        device_files=_device_files(root / "dev"),
        linux_driver_in_wsl=wsl and not container and _has_linux_driver(root / "usr/lib/x86_64-linux-gnu"),
        torch=_torch_version(),
    )


def read_cards(text: str) -> tuple[Card, ...]:
    """Cards in nvidia-smi's lines of comma-separated values without units; memory is in MiB."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    return tuple(
        Card(
            name=row[0],
            driver=row[1],
            memory_bytes=int(row[2]) * 1024**2 if row[2].isdigit() else None,
            compute_capability=_number(row[3]) if len(row) > 3 else None,
        )
        for row in rows
        if len(row) >= 3 and row[1][:1].isdigit()
    )


def _ask_driver(root: Path, environment: Mapping[str, str]) -> ProgramCall:
    answer = ProgramCall()
    for fields in FIELDS:
        arguments = (f"--query-gpu={fields}", "--format=csv,noheader,nounits")
        answer = ask_program("nvidia-smi", arguments, environment, also_in=[str(root / WSL_DRIVER)])
        if "not a valid field" not in answer.output:
            break
    return answer


def _on_pci_bus(devices: Path) -> bool:
    """A display controller of NVIDIA's; under WSL the bus shows none."""
    return any(
        _text(device / "vendor") == NVIDIA and _text(device / "class").startswith("0x03")
        for device in (sorted(devices.iterdir()) if devices.is_dir() else [])
    )


def _device_files(dev: Path) -> tuple[str, ...]:
    found = [*sorted(dev.glob("nvidia[0-9]*")), *dev.glob("dxg")]
    return tuple(f"/dev/{path.name}" for path in found)


def _has_linux_driver(libraries: Path) -> bool:
    """A driver for Linux installed inside WSL, where it hides the one that Windows brings."""
    return any(libraries.glob("libnvidia-ml.so.[0-9][0-9]*"))


def _torch_version() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
