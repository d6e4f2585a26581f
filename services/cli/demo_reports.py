"""The demo's reports as pages to open in a browser: how the model loads, and where a training step goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli.client import Client
from services.cli.failure import CommandFailed
from services.cli.outcome.lines import pairs
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.schemas.records import JobRecord

FOLDER = "demo"  # in the data folder; the next demo writes its own pages over these


@dataclass(frozen=True)
class Page:
    """A report of the demo: `path` is where its page lies, or `missing` says why there is none."""

    name: str
    path: Path | None = None
    missing: str | None = None


def write_pages(client: Client, jobs: Sequence[JobRecord], data_dir: Path) -> list[Page]:
    """The pages of those jobs that succeeded. The demo has done its work: no page is a reason to fail it."""
    kinds = (("load", "load_diagnostic"), ("training", "fine_tuning"))
    ended = {job.kind: job.id for job in jobs if job.status == "succeeded"}
    return [_write(client, name, ended[kind], data_dir / FOLDER) for name, kind in kinds if kind in ended]


def pages_text(pages: Sequence[Page]) -> list[str]:
    """The lines that name the pages; none without pages."""
    titles = {"load": say("demo-load-report-label"), "training": say("demo-training-report-label")}
    rows: list[tuple[Message, str]] = [
        (titles[page.name], str(page.path) if page.path else shown(_missing(page))) for page in pages
    ]
    return ["", shown(say("demo-reports-label")), *pairs(rows)] if rows else []


def _write(client: Client, name: str, job_id: str, folder: Path) -> Page:
    path = folder / f"{name}.html"
    try:
        page = client.report_page(job_id)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)
    except CommandFailed as failure:
        return Page(name, missing=failure.message)
    except OSError as error:
        return Page(name, missing=f"{path}: {error.strerror}")
    return Page(name, path=path)


def _missing(page: Page) -> Message:
    return say("demo-report-missing", reason=page.missing or "")
