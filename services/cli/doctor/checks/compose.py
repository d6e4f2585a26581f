"""The compose files: whether a plain `docker compose up -d` leaves the installation what it is."""

from services.cli.doctor.checks.finding import Finding, ok, unknown, warning
from services.cli.doctor.facts import WEBHOOKS_FILE, Facts
from shared.messages.message import say


def check_compose_files(facts: Facts) -> Finding:
    compose = facts.compose
    if facts.container:
        return unknown("compose-files", say("not-seen-in-container"))
    if not compose.running:
        return ok("compose-files", say("no-container-runs", files=compose.chosen))
    if compose.running == compose.chosen:
        return ok("compose-files", say("containers-as-chosen", files=compose.chosen))
    file = compose.dotenv or say("dotenv-beside-compose-piece")
    return warning(
        "compose-files",
        say("containers-of-other-files", files=compose.running, chosen=compose.chosen),
        say("write-compose-files-row", file=file, value=":".join(compose.running)),
    )


def check_webhooks_way_out(facts: Facts) -> Finding:
    """In containers nothing that the API sends leaves the machine, unless the file for webhooks is chosen."""
    compose = facts.compose
    if facts.container:
        return unknown("webhooks-way-out", say("not-seen-in-container"))
    # What only this shell sets may be meant for ./tunedock up, which needs no such file.
    is_wanted = compose.webhooks_in == "dotenv" or (compose.webhooks_in and compose.running)
    if not is_wanted and not (compose.running and facts.webhooks.not_delivered):
        return ok("webhooks-way-out", say("no-webhooks-from-containers"))
    if compose.lets_webhooks_out:
        return ok("webhooks-way-out", say("webhooks-may-leave", file=WEBHOOKS_FILE))
    place = compose.dotenv or say("dotenv-beside-compose-piece")
    files = ":".join([*(compose.running or compose.chosen), WEBHOOKS_FILE])
    return warning(
        "webhooks-way-out",
        say("webhooks-stay-in-containers", file=WEBHOOKS_FILE),
        say("write-compose-files-row", file=place, value=files),
        say("then-up-again-row"),
    )
