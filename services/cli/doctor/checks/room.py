"""What fills the data folder and the store, before they are full."""

from services.cli.doctor.checks.finding import Finding, ok, unknown, warning
from services.cli.doctor.facts import Facts
from shared.messages.message import say

FULL_SHARE = 0.8  # the alert TunedockStoreNearlyFull fires from here on, too
SHOWN_BYTES = 1e6


def check_data_use(facts: Facts) -> Finding:
    """What the bytes of the data folder are for, largest first."""
    if facts.served_elsewhere:
        message = say("service-of-others-data", address=facts.api.url)
        return unknown("data-use", message, say("ask-doctor-there-row"))
    use = facts.data_use
    largest = sorted(use.by_kind.items(), key=lambda pair: -pair[1])
    kinds = [
        say("data-kind-piece", kind=kind, kind_bytes=count) for kind, count in largest if count >= SHOWN_BYTES
    ]
    total, folder, complete = sum(use.by_kind.values()), facts.data_dir, use.complete
    if not kinds:
        return ok("data-use", say("data-takes", folder=folder, total_bytes=total, complete=complete))
    message = say("data-takes-by-kind", folder=folder, total_bytes=total, complete=complete, kinds=kinds)
    return ok("data-use", message)


def check_store_memory(facts: Facts) -> Finding:
    """A store that is full refuses every new job."""
    used, limit = facts.store.memory_bytes, facts.store.memory_limit_bytes
    if used is None:
        return unknown("store-memory", say("store-memory-unknown"))
    if not limit:
        return ok("store-memory", say("store-memory-unlimited", used_bytes=used))
    share = used / limit
    if share < FULL_SHARE:
        message = say("store-memory-used", used_bytes=used, limit_bytes=limit, used_ratio=share)
        return ok("store-memory", message)
    message = say("store-memory-nearly-full", used_bytes=used, limit_bytes=limit, used_ratio=share)
    return warning("store-memory", message, say("see-what-prune-deletes-row"))
