"""The machine itself: WSL or not, container or not, memory, power."""

from pathlib import Path

from services.cli.doctor.facts import PowerFacts


def kernel_release(root: Path) -> str:
    return _text(root / "proc/sys/kernel/osrelease")


def is_wsl(kernel: str) -> bool:
    """Microsoft's kernel: a WSL distribution, Docker Desktop's virtual machine, or a container in either."""
    return "microsoft" in kernel.lower()


def in_container(root: Path) -> bool:
    return (root / ".dockerenv").exists() or (root / "run/.containerenv").exists()


def memory_bytes(root: Path) -> int | None:
    """Main memory as this kernel has it; of a virtual machine its share."""
    for line in _text(root / "proc/meminfo").splitlines():
        words = line.split()
        if words[:1] == ["MemTotal:"] and words[1:2] and words[1].isdigit():
            return int(words[1]) * 1024
    return None


def read_power(root: Path) -> PowerFacts:
    """Power supply, platform profile and CPU governor from sysfs."""
    cpu = root / "sys/devices/system/cpu/cpu0/cpufreq"
    names = ("scaling_driver", "scaling_governor", "energy_performance_preference")
    found = [text for text in (_text(cpu / name) for name in names) if text]
    return PowerFacts(
        on_battery=_on_battery(root / "sys/class/power_supply"),
        profile=_text(root / "sys/firmware/acpi/platform_profile") or None,
        governor="/".join(found) or None,
    )


def _on_battery(supplies: Path) -> bool | None:
    """True when a battery discharges; batteries of mice and the like are no power source."""
    found = sorted(supplies.iterdir()) if supplies.is_dir() else []
    mains = [supply for supply in found if _text(supply / "type") in ("Mains", "USB")]
    batteries = [
        supply
        for supply in found
        if _text(supply / "type") == "Battery" and _text(supply / "scope") != "Device"
    ]
    if not mains and not batteries:
        return None
    if any(_text(supply / "online") == "1" for supply in mains):
        return False
    return any(_text(supply / "status") == "Discharging" for supply in batteries)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
