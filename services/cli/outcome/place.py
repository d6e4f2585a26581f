"""Where the service is, as far as hints need it: how a command is called, whether its folders are here."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from services.cli.address import address
from services.cli.client import Client
from shared.settings import Settings

OWN_COMMAND = "./tunedock"
COMPOSE_COMMAND = "docker compose exec api tunedock"


@dataclass(frozen=True)
class Place:
    """`data_dir` is None for a service elsewhere, whose folders can't be looked into from here."""

    data_dir: Path | None
    server: str | None = None
    is_compose: bool = False

    @classmethod
    def of(cls, settings: Settings, client: Client) -> "Place":
        return cls(
            data_dir=settings.data_dir if address(settings).is_own else None,
            server=client.url if settings.server is not None else None,
            is_compose=in_compose(settings),
        )

    def command(self, *words: str) -> str:
        """A command that can be pasted where this one was called."""
        program = COMPOSE_COMMAND if self.is_compose else OWN_COMMAND
        options = ["--server", self.server] if self.server else []
        return f"{program} {shlex.join([*words, *options])}"

    def page_command(self, job_id: str) -> str:
        """Writes a report's page into the reader's folder, which a container does not see."""
        if self.is_compose:
            return f"docker compose exec -T api tunedock report {job_id} --html - > report.html"
        return self.command("report", job_id, "--html", "report.html")

    def download_command(self, job_id: str, folder: str) -> str:
        """Fetches an adapter into the reader's folder."""
        if self.is_compose and self.data_dir:
            return f"docker compose cp api:{self.data_dir}/jobs/{job_id}/adapter {shlex.quote(folder)}"
        return self.command("download", job_id, folder)


def in_compose(settings: Settings) -> bool:
    """Whether this is the command in the API's container, whose files are read-only and not the reader's."""
    return settings.grafana_password_file is not None
