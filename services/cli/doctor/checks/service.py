"""Store, API, key and worker: whether a job sent now would run."""

from services.cli.doctor.checks.finding import Finding, error, ok, together, unknown, warning
from services.cli.doctor.facts import Facts, StoreFacts
from shared.messages.message import Message, say

START_STORE = say("start-store-row")


def check_store(facts: Facts) -> Finding:
    store = facts.store
    kind, address = _kind(store), store.address
    match store.state:
        case "answers":
            return _judge_answering(store)
        case "not-running" | "elsewhere":
            return _judge_by_api(facts)
        case "bad-setting":
            message = say("store-setting-wrong", detail=store.detail)
            return error("store", message, say("correct-the-setting"))
        case "wrong-password":
            message = say("store-refuses-password", store_kind=kind, address=address, detail=store.detail)
            return error("store", message, say("set-store-password"))
        case "loading":
            message = say("store-still-reads", store_kind=kind, address=address)
            return warning("store", message, say("wait-for-store"))
        case "silent":
            message = say("store-accepts-but-silent", store_kind=kind, address=address, detail=store.detail)
            return error("store", message, say("look-at-store-disk"))
        case "unreachable":
            message = say("store-unreachable", store_kind=kind, address=address, detail=store.detail)
            return error("store", message, _start_store(facts))


def check_api(facts: Facts) -> Finding:
    api = facts.api
    if not api.answers:
        return error("api", say("api-does-not-answer", address=api.url), _start(facts))
    if not api.ready:
        lacks = [say("reason-row", path=item.path, message=item.message) for item in api.missing]
        reasons = together(*(lacks or [say("no-reason-given")]))
        message = say("api-not-ready", address=api.url, reasons=reasons)
        return warning("api", message, say("see-other-lines"))
    return ok("api", say("api-is-ready", address=api.url))


def check_key(facts: Facts) -> Finding:
    key = facts.key
    if key.problem and facts.served_elsewhere:
        message = together(key.problem, say("service-of-others", address=facts.api.url))
        return unknown("key", message, say("ask-key-there-row"))
    if key.problem:
        return (error if facts.api.answers else unknown)("key", key.problem, say("key-is-made-first"))
    if key.accepted is None:
        return unknown("key", say("key-not-tried", file=key.path))
    if not key.accepted:
        message = say("key-refused", address=facts.api.url, file=key.path)
        return error("key", message, say("give-server-s-folder"))
    return ok("key", say("key-taken", file=key.path))


def check_worker(facts: Facts) -> Finding:
    api, worker = facts.api, facts.worker
    logs = say("worker-log-says-more", log=facts.worker_log)
    if worker and facts.worker_speaks and worker.problem:
        return error("worker", worker.problem, _torch_or_card(facts, worker.problem), logs)
    if api.ready:
        device = facts.worker_device or say("unnamed-device-piece")
        return ok("worker", say("worker-works-on", device=device))
    told = [item.message for item in api.missing if item.path == "worker"]
    if api.answers and told:
        return error("worker", say("worker-not-ready", problem=told[0]), say("wait-a-minute"), logs)
    if worker and facts.nothing_runs_here:
        message = say("worker-does-not-run", run_seconds=worker.age_seconds)
        return unknown("worker", message, _start(facts))
    if worker and facts.worker_speaks:
        return unknown("worker", say("worker-alive", device=worker.device or say("no-device-piece")))
    if worker:
        return error("worker", say("worker-silent", run_seconds=worker.age_seconds), _start(facts))
    return unknown("worker", say("worker-unknown"))


def check_webhooks(facts: Facts) -> Finding:
    """A receiver that is gone would else be noticed by nobody."""
    webhooks = facts.webhooks
    if webhooks.looked_at is None:
        return unknown("webhooks", say("webhooks-unknown"))
    if not webhooks.looked_at:
        return ok("webhooks", say("webhooks-none"))
    if not webhooks.not_delivered:
        return ok("webhooks", say("webhooks-delivered", count=webhooks.looked_at))
    message = say(
        "webhooks-not-delivered",
        count=webhooks.looked_at,
        not_delivered=webhooks.not_delivered,
        address=webhooks.url,
        problem=webhooks.problem,
    )
    return warning("webhooks", message, say("see-webhooks-row"))


def _torch_or_card(facts: Facts, problem: str | Message) -> Message:
    """What to look at: a CPU build in an image needs another image, whatever the card and its driver do."""
    without_cuda = isinstance(problem, Message) and problem.message_id == "worker-torch-without-cuda"
    if without_cuda and facts.in_compose:
        return say("image-has-cpu-build")
    return say("see-card-and-driver")


def _start(facts: Facts) -> Message:
    if facts.container and not facts.store.embedded:  # a container may be somebody's whole machine
        return say("start-compose-row")
    # Without an engine compose starts nothing.
    return say("start-or-compose-row") if facts.engine.version else say("start-here-row")


def _start_store(facts: Facts) -> Message:
    if facts.store.embedded:
        return say("look-into-store-log-row")
    return START_STORE if facts.container else say("start-store-or-correct")


def _kind(store: StoreFacts) -> str:
    return "embedded" if store.embedded else "own"


def _judge_answering(store: StoreFacts) -> Finding:
    seen = say("store-answers", store_kind=_kind(store), address=store.address, version=store.version)
    if _is_too_old(store.version):
        return error("store", together(seen, say("store-too-old")), say("use-newer-store"))
    if not store.durable:
        message = together(seen, say("store-in-memory-only"))
        return warning("store", message, say("make-store-durable"))
    if store.eviction not in (None, "noeviction"):
        message = together(seen, say("store-evicts", policy=store.eviction))
        return warning("store", message, say("make-store-keep"))
    return ok("store", together(seen, say("store-is-durable")))


def _judge_by_api(facts: Facts) -> Finding:
    """No stack runs on this data folder, or its store is another's: the API alone can tell."""
    api = facts.api
    if api.ready:
        return ok("store", say("api-reaches-store", address=api.url))
    told = [item.message for item in api.missing if item.path == "store"]
    if api.answers and told:
        remedy = START_STORE if facts.served_elsewhere else say("store-log-says-more-row")
        return error("store", say("api-misses-store", problem=told[0]), remedy)
    if api.answers:
        return ok("store", say("api-misses-other-things", address=api.url))
    return error("store", say("embedded-store-stopped", folder=facts.data_dir), _start(facts))


def _is_too_old(version: str | None) -> bool:
    name, _, number = (version or "").partition(" ")
    parts = [int(part) for part in number.split(".")[:2] if part.isdigit()]
    return name == "Redis" and len(parts) == 2 and parts < [6, 2]
