"""The container engine: whether it hands a card to a container."""

from services.cli.doctor.checks.card import WITHOUT_CARD
from services.cli.doctor.checks.finding import Finding, ok, together, unknown, warning
from services.cli.doctor.compose_env import CPU_FILE
from services.cli.doctor.facts import EngineFacts, Facts
from shared.messages.message import Message, say

REFUSAL = 'could not select device driver "nvidia" with capabilities: [[gpu]]'


def check_container_runtime(facts: Facts) -> Finding:
    engine = facts.engine
    if engine.path is None and facts.container:
        return unknown("container-runtime", say("not-seen-in-container"))
    if engine.path is None:
        return ok("container-runtime", say("no-docker-command"))
    if engine.problem:
        message = say("docker-does-not-work", problem=engine.problem)
        return warning("container-runtime", message, _start(engine.problem))
    seen = _seen(engine)
    if CPU_FILE in facts.compose.chosen:
        return ok("container-runtime", together(seen, say("cpu-file-is-chosen", file=CPU_FILE)))
    if "nvidia" in engine.runtimes or engine.nvidia_hook:
        return ok("container-runtime", together(seen, say("containers-can-have-card")))
    if "Docker Desktop" in engine.operating_system:
        return unknown(
            "container-runtime",
            together(seen, say("desktop-has-own-support")),
            say("ask-docker-for-card", refusal=REFUSAL),
            WITHOUT_CARD,
        )
    return _without_toolkit(facts, together(seen, say("no-nvidia-runtime", refusal=REFUSAL)))


def _seen(engine: EngineFacts) -> Message:
    return say(
        "engine-seen",
        version=engine.version,
        system=engine.operating_system or say("this-machine-piece"),
        runtimes=engine.runtimes,
        count=len(engine.runtimes),
    )


def _without_toolkit(facts: Facts, message: Message) -> Finding:
    if not facts.card.cards and facts.wanted_device != "cuda":
        return warning("container-runtime", message, WITHOUT_CARD, say("install-toolkit", place="card"))
    remedy = together(say("install-toolkit", place="wsl" if facts.wsl else "here"), WITHOUT_CARD)
    status = "error" if facts.wanted_device == "cuda" else "warning"
    return Finding(id="container-runtime", status=status, message=message, remedy=remedy)


def _start(problem: str | Message) -> Message:
    said = problem if isinstance(problem, str) else ""
    if "permission denied" in said:
        return say("allow-docker-to-user")
    if "WSL integration" in said or "could not be found in this WSL" in said:
        return say("switch-wsl-integration-on")
    return say("start-the-engine")
