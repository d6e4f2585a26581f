"""The compose files: whether a plain `docker compose up -d` leaves the installation what it is."""

from services.cli.doctor.checks.finding import Finding, ok, unknown, warning
from services.cli.doctor.facts import Facts
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
