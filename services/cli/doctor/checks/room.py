"""What fills the data folder and the store, before they are full."""

from services.cli.doctor.checks.finding import Finding, ok, unknown, warning
from services.cli.doctor.facts import Facts
from shared.units import size

FULL_SHARE = 0.8  # the alert TunedockStoreNearlyFull fires from here on, too
SHOWN_BYTES = 1e6
PRUNE = "See what would leave: ./tunedock prune --dry-run --keep-jobs 1000; then run it without --dry-run."


def check_data_use(facts: Facts) -> Finding:
    """What the bytes of the data folder are for, largest first."""
    if facts.served_elsewhere:
        return unknown(
            "data-use",
            f"the service at {facts.api.url} was not started from here: its data folder is not seen",
            "If it runs in containers, ask there: docker compose exec api tunedock doctor.",
        )
    kinds = sorted(facts.data_use.by_kind.items(), key=lambda pair: -pair[1])
    named = [f"{kind.replace('_', ' ')} {size(count)}" for kind, count in kinds if count >= SHOWN_BYTES]
    total = size(sum(count for _, count in kinds))
    begun = "" if facts.data_use.complete else "at least "
    return ok("data-use", f"{facts.data_dir} takes {begun}{total}{': ' if named else ''}{', '.join(named)}")


def check_store_memory(facts: Facts) -> Finding:
    """A store that is full refuses every new job."""
    used, limit = facts.store.memory_bytes, facts.store.memory_limit_bytes
    if used is None:
        return unknown("store-memory", "the store did not say what memory it uses")
    if not limit:
        return ok("store-memory", f"the store uses {size(used)} and has no limit of its own")
    seen = f"the store uses {size(used)} of {size(limit)} ({used / limit:.0%})"
    if used < FULL_SHARE * limit:
        return ok("store-memory", seen)
    return warning("store-memory", f"{seen}; when it is full, every new job is refused with 503", PRUNE)
