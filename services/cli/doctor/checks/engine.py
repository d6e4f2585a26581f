"""The container engine: whether it hands a card to a container."""

from services.cli.doctor.checks.card import WITHOUT_CARD
from services.cli.doctor.checks.finding import WINDOWS_PAGE, Finding, ok, unknown, warning
from services.cli.doctor.compose_env import CPU_FILE
from services.cli.doctor.facts import EngineFacts, Facts

REFUSAL = 'could not select device driver "nvidia" with capabilities: [[gpu]]'
TOOLKIT = (
    "Install the package nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker "
    "&& sudo systemctl restart docker"
)


def check_container_runtime(facts: Facts) -> Finding:
    engine = facts.engine
    if engine.path is None:
        if facts.container:
            return unknown(
                "container-runtime", "not seen from inside a container; run the doctor on the host"
            )
        return ok("container-runtime", "no docker command: ./tunedock up needs none")
    if engine.problem:
        return warning("container-runtime", f"docker does not work: {engine.problem}", _start(engine.problem))
    runtimes = ", ".join(engine.runtimes) or "none"
    seen = f"Docker {engine.version} on {engine.operating_system or 'this machine'}, runtimes {runtimes}"
    if CPU_FILE in facts.compose.chosen:
        return ok("container-runtime", f"{seen}: {CPU_FILE} is chosen, so that no card is asked for")
    if "nvidia" in engine.runtimes or engine.nvidia_hook:
        return ok("container-runtime", f"{seen}: containers can have the card")
    if "Docker Desktop" in engine.operating_system:
        return unknown(
            "container-runtime",
            f"{seen}; Docker Desktop brings its own support for cards on its WSL 2 backend",
            f"Ask it: docker run --rm --gpus all ubuntu nvidia-smi. If it ends with '{REFUSAL}': "
            f"{WINDOWS_PAGE}, step 2. {WITHOUT_CARD}",
        )
    return _without_toolkit(facts, engine, seen)


def _without_toolkit(facts: Facts, engine: EngineFacts, seen: str) -> Finding:
    message = f"{seen}: no NVIDIA runtime, so docker compose up ends with: {REFUSAL}"
    if not facts.card.cards and facts.wanted_device != "cuda":
        return warning("container-runtime", message, f"{WITHOUT_CARD} With a card: {TOOLKIT}.")
    where = " inside this WSL distribution" if facts.wsl else ""
    restart = " (without systemd: sudo service docker restart)" if facts.wsl else ""
    return Finding(
        id="container-runtime",
        status="error" if facts.wanted_device == "cuda" else "warning",
        message=message,
        remedy=f"{TOOLKIT}{where}{restart}. {WITHOUT_CARD}",
    )


def _start(problem: str) -> str:
    if "permission denied" in problem:
        return "Let this user speak to the engine: sudo usermod -aG docker $USER, then log in again."
    if "WSL integration" in problem or "could not be found in this WSL" in problem:
        return "Docker Desktop: Settings, Resources, WSL integration, switch this distribution on."
    return "Start the engine (Docker Desktop, or sudo systemctl start docker); ./tunedock up needs none."
