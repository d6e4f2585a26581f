"""Memory, spill and power: what makes a healthy installation slow."""

from services.cli.doctor.checks.finding import WINDOWS_PAGE, Finding, gigabytes, ok, unknown, warning
from services.cli.doctor.facts import Facts, PowerFacts

CHECKPOINT_BYTES = 9_620_000_000  # the default model as published, in float32


def check_memory(facts: Facts) -> Finding:
    total = facts.memory_bytes
    if total is None:
        return unknown("memory", "/proc/meminfo can't be read")
    if facts.wsl and total < CHECKPOINT_BYTES:
        return warning(
            "memory",
            f"WSL has {gigabytes(total)}: less than the {gigabytes(CHECKPOINT_BYTES)} of EXAONE-3.5-2.4B's "
            "files, which are then read from the disk at each load",
            f"Raise memory= in .wslconfig, then wsl --shutdown; {WINDOWS_PAGE}, step 5.",
        )
    return ok("memory", f"{gigabytes(total)}{' for WSL' if facts.wsl else ''}")


def check_spill(facts: Facts) -> Finding:
    if facts.wsl and facts.wanted_device != "cpu":
        return unknown(
            "spill",
            "Windows may lay the card's overflow into main memory, silently and many times slower; its "
            "setting can't be read from here, and is not obeyed in WSL (microsoft/WSL#11050)",
            "Watch shared GPU memory in the Task Manager, keep other programs off the card; "
            f"{WINDOWS_PAGE}, step 6.",
        )
    return ok(
        "spill",
        "a full card ends the job with an error here; only Windows continues in main memory, slowly",
    )


def check_power(facts: Facts) -> Finding:
    power = facts.power
    seen = ", ".join(
        [
            *([] if power.on_battery is None else ["on battery" if power.on_battery else "on mains"]),
            *([f"profile {power.profile}"] if power.profile else []),
            *([f"governor {power.governor}"] if power.governor else []),
        ]
    )
    if power.on_battery:
        return warning(
            "power", seen, "Plug it in: cards of laptops run at a fraction of their power on battery."
        )
    if _saves(power):
        return warning(
            "power", f"{seen}: saving power", "Choose the performance profile (powerprofilesctl set …)."
        )
    if facts.wsl:
        return unknown(
            "power",
            f"{seen or 'no supply is shown'}; the power mode of Windows can't be read from here",
            f"Settings, System, Power: best performance; {WINDOWS_PAGE}, step 6.",
        )
    return ok("power", seen) if seen else unknown("power", "this machine shows no power supply or profile")


def _saves(power: PowerFacts) -> bool:
    """The governor `powersave` is the usual one of the pstate drivers, which go by the preference."""
    driver, _, rest = (power.governor or "").partition("/")
    governor, _, preference = rest.partition("/")
    slow_governor = governor == "powersave" and "pstate" not in driver
    return power.profile in ("low-power", "quiet", "cool") or slow_governor or preference == "power"
