"""Store, API, key and worker: whether a job sent now would run."""

from services.cli.doctor.checks.card import REBUILD
from services.cli.doctor.checks.finding import Finding, error, ok, unknown, warning
from services.cli.doctor.facts import Facts, StoreFacts

START_COMPOSE = "Start the service: docker compose up -d --wait."
START = "Start the service: ./tunedock up, or docker compose up -d --wait."
START_HERE = "Start the service: ./tunedock up."
START_STORE = "docker compose up -d store; docker compose logs store says why it stopped."


def check_store(facts: Facts) -> Finding:
    store = facts.store
    what = f"{'the embedded store' if store.embedded else 'the store'} at {store.address}"
    match store.state:
        case "answers":
            return _judge_answering(store, what)
        case "not running" | "elsewhere":
            return _judge_by_api(facts)
        case "bad setting":
            return error(
                "store", f"the store's address can't be used: {store.detail}", "Correct the setting."
            )
        case "wrong password":
            return error(
                "store",
                f"{what} refuses the password: {store.detail}",
                "Set the server's password in TUNEDOCK_STORE_URL (redis://:PASSWORD@host:6379/0) or in the "
                "file that TUNEDOCK_STORE_PASSWORD_FILE names.",
            )
        case "loading":
            return warning("store", f"{what} is still reading its log", "Wait; jobs go on afterwards.")
        case "silent":
            return error(
                "store",
                f"{what} accepts connections but does not answer: {store.detail}",
                "Look at the store's log and its disk: a machine that swaps, or a full disk, answers late.",
            )
        case "unreachable":
            return error(
                "store",
                f"nothing answers for {what}: {store.detail}",
                "Look into data/logs/store.log and start again: ./tunedock up."
                if store.embedded
                else START_STORE
                if facts.container
                else "Start the server, or correct TUNEDOCK_STORE_URL.",
            )


def check_api(facts: Facts) -> Finding:
    api = facts.api
    if not api.answers:
        return error("api", f"no Tunedock answers at {api.url}", _start(facts))
    if not api.ready:
        lacks = "; ".join(f"{item.path}: {item.message}" for item in api.missing) or "no reason given"
        return warning(
            "api", f"{api.url} answers, but is not ready: {lacks}", "See the lines below and above."
        )
    return ok("api", f"{api.url} answers and is ready")


def check_key(facts: Facts) -> Finding:
    key = facts.key
    if key.problem:
        if facts.served_elsewhere:
            return unknown(
                "key",
                f"{key.problem}; the service at {facts.api.url} was not started from here",
                "If it runs in containers, ask there: docker compose exec api tunedock key.",
            )
        return (error if facts.api.answers else unknown)(
            "key",
            key.problem,
            "The key is made at the first start. If the service runs in containers, ask there: "
            "docker compose exec api tunedock key.",
        )
    if key.accepted is None:
        return unknown("key", f"{key.path} holds a key, which the API could not be asked about")
    if not key.accepted:
        return error(
            "key",
            f"the API at {facts.api.url} refuses the key in {key.path}",
            "Give this command the server's TUNEDOCK_DATA_DIR or TUNEDOCK_API_KEYS_FILE; a service in "
            "containers has its own key: docker compose exec api tunedock key.",
        )
    return ok("key", f"the API takes the key in {key.path}")


def check_worker(facts: Facts) -> Finding:
    api, worker = facts.api, facts.worker
    logs = f"Its log says more: {facts.worker_log}."
    if worker and facts.worker_speaks and worker.problem:
        return error("worker", worker.problem, f"{_torch_or_card(facts, worker.problem)} {logs}")
    if api.ready:
        return ok("worker", f"works on {facts.worker_device or 'an unnamed device'}")
    told = [item.message for item in api.missing if item.path == "worker"]
    if api.answers and told:
        return error("worker", f"not ready: {told[0]}", f"Wait a minute if it has just started. {logs}")
    if worker and facts.nothing_runs_here:
        return unknown(
            "worker", f"does not run; its last sign of life is {_age(worker.age_seconds)} old", _start(facts)
        )
    if worker and facts.worker_speaks:
        return unknown("worker", f"alive on {worker.device or 'no device yet'}; the API can't say more")
    if worker:
        return error("worker", f"its last sign of life is {_age(worker.age_seconds)} old", _start(facts))
    return unknown("worker", "nothing is known of it while the API does not answer")


def _torch_or_card(facts: Facts, problem: str) -> str:
    """What to look at: a CPU build in an image needs another image, whatever the card and its driver do."""
    if "without CUDA" in problem and facts.in_compose:
        return f"The image has torch's CPU build: {REBUILD}"
    return "See card and driver below."


def _start(facts: Facts) -> str:
    if facts.container and not facts.store.embedded:  # a container may be somebody's whole machine
        return START_COMPOSE
    return START if facts.engine.version else START_HERE  # without an engine compose starts nothing


def _judge_answering(store: StoreFacts, what: str) -> Finding:
    seen = f"{what} answers ({store.version})"
    if _is_too_old(store.version):
        return error("store", f"{seen}, which is too old", "Use Redis 6.2 or newer, or Valkey.")
    if not store.durable:
        return warning(
            "store",
            f"{seen}, but keeps changes in memory only (appendonly no): a power cut loses accepted jobs",
            "Start it with appendonly yes and appendfsync always.",
        )
    if store.eviction not in (None, "noeviction"):
        return warning(
            "store",
            f"{seen}, but drops records when its memory is full (maxmemory-policy {store.eviction})",
            "Start it with maxmemory-policy noeviction.",
        )
    return ok("store", f"{seen} and logs every change to disk")


def _judge_by_api(facts: Facts) -> Finding:
    """No stack runs on this data folder, or its store is another's: the API alone can tell."""
    if facts.api.ready:
        return ok("store", f"the API at {facts.api.url} reaches its store")
    told = [item.message for item in facts.api.missing if item.path == "store"]
    if facts.api.answers:
        return (
            error(
                "store",
                f"the API does not reach its store: {told[0]}",
                START_STORE if facts.served_elsewhere else "Its log says more: data/logs/store.log.",
            )
            if told
            else ok("store", f"the API at {facts.api.url} complains of other things only")
        )
    return error(
        "store",
        f"the embedded store is not running: no stack runs on the data folder {facts.data_dir}",
        _start(facts),
    )


def _is_too_old(version: str | None) -> bool:
    name, _, number = (version or "").partition(" ")
    parts = [int(part) for part in number.split(".")[:2] if part.isdigit()]
    return name == "Redis" and len(parts) == 2 and parts < [6, 2]


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
