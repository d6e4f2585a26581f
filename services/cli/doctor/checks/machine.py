"""Memory, spill and power: what makes a healthy installation slow."""

from services.cli.doctor.checks.finding import Finding, ok, together, unknown, warning, windows_step
from services.cli.doctor.facts import Facts, PowerFacts
from shared.messages.message import Message, say

CHECKPOINT_BYTES = 9_620_000_000  # the default model as published, in float32


def check_memory(facts: Facts) -> Finding:
    total = facts.memory_bytes
    if total is None:
        return unknown("memory", say("memory-not-read"))
    if facts.wsl and total < CHECKPOINT_BYTES:
        message = say("memory-of-wsl-small", memory_bytes=total, model_bytes=CHECKPOINT_BYTES)
        return warning("memory", message, say("raise-wsl-memory"), windows_step(5))
    if facts.wsl:
        return ok("memory", say("memory-seen-for-wsl", memory_bytes=total))
    return ok("memory", say("memory-seen", memory_bytes=total))


def check_spill(facts: Facts) -> Finding:
    if facts.wsl and facts.wanted_device != "cpu":
        return unknown("spill", say("spill-unknown"), say("watch-shared-memory"), windows_step(6))
    return ok("spill", say("spill-none"))


def check_power(facts: Facts) -> Finding:
    power, seen = facts.power, _seen(facts.power)
    told = say("power-seen", power=seen)
    if power.on_battery:
        return warning("power", told, say("plug-it-in"))
    if _saves(power):
        return warning("power", say("power-saves", power=seen), say("choose-performance-profile"))
    shown = told if seen else say("power-not-shown")
    if facts.wsl:
        message = together(shown, say("power-of-windows-unknown"))
        return unknown("power", message, say("choose-best-performance"), windows_step(6))
    return ok("power", shown) if seen else unknown("power", shown)


def _seen(power: PowerFacts) -> list[Message]:
    seen = []
    if power.on_battery is not None:
        seen.append(say("power-battery-piece") if power.on_battery else say("power-mains-piece"))
    if power.profile:
        seen.append(say("power-profile-piece", profile=power.profile))
    if power.governor:
        seen.append(say("power-governor-piece", governor=power.governor))
    return seen


def _saves(power: PowerFacts) -> bool:
    """The governor `powersave` is the usual one of the pstate drivers, which go by the preference."""
    driver, _, rest = (power.governor or "").partition("/")
    governor, _, preference = rest.partition("/")
    slow_governor = governor == "powersave" and "pstate" not in driver
    return power.profile in ("low-power", "quiet", "cool") or slow_governor or preference == "power"
