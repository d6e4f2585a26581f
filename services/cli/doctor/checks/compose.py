"""The compose files: whether a plain `docker compose up -d` leaves the installation what it is."""

from services.cli.doctor.checks.finding import Finding, ok, unknown, warning
from services.cli.doctor.facts import Facts


def check_compose_files(facts: Facts) -> Finding:
    compose = facts.compose
    chosen = _named(compose.chosen)
    if facts.container:
        return unknown("compose-files", "not seen from inside a container; run the doctor on the host")
    if not compose.running:
        return ok("compose-files", f"no container of this checkout runs; docker compose would read {chosen}")
    if compose.running == compose.chosen:
        return ok("compose-files", f"the containers were started with {chosen}, as any docker compose here")
    return warning(
        "compose-files",
        f"the containers were started with {_named(compose.running)}, but a plain docker compose up -d reads "
        f"{chosen} and would make another installation of them",
        f"Write this line into {compose.dotenv or '.env, beside docker-compose.yml'}: "
        f"COMPOSE_FILE={':'.join(compose.running)}",
    )


def _named(files: tuple[str, ...]) -> str:
    return " and ".join(files)
