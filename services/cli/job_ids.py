"""Which job a user means: a whole id, any beginning of one, a fine-tuned model's id, or `last`."""

import argparse

from services.cli.client import JOBS_THERE_ARE, Client
from services.cli.failure import RequestRefused, UsageError
from shared.errors import FieldError
from shared.jobs import is_whole_job_id
from shared.model_names import fine_tuned_model

LAST = "last"
CANDIDATES_SHOWN = 10


def add_job_argument(command: argparse.ArgumentParser, *, kind: str | None = None) -> None:
    """The argument ID; `kind` is what `last` means the newest of."""
    newest = f"the newest {kind} job" if kind else "the newest job"
    command.add_argument(
        "job_id", metavar="ID",
        help=f"id of a job or of a fine-tuned model, or the first characters of one; {LAST}: {newest}",
    )  # fmt: skip


def find_job(client: Client, text: str, *, kind: str | None = None, status: str | None = None) -> str:
    """The id of the one job that `text` means, with or without the prefix that tells its kind.

    `kind` and `status` narrow `last` and what a beginning may stand for. Raises `UsageError` that lists the
    candidates when there are several, `RequestRefused` where no job begins so.
    """
    if model := fine_tuned_model(text):
        return model.job_id
    if is_whole_job_id(text):
        return text
    if not text:
        raise UsageError("the id of a job is empty", "See: ./tunedock jobs")
    names = client.job_names(kind, status)
    if text == LAST:
        newest = next(names, None)
        if newest is None:
            what = " ".join(word for word in (status, kind, "job") if word)
            raise UsageError(f"there is no {what} yet, so none is the last one")
        return newest[0]
    found = [name for name in names if _begins(name[0], text)]
    if not found:
        unknown = RequestRefused(404, "not_found", f"There is no job whose id begins with {text!r}.")
        unknown.remedy = JOBS_THERE_ARE
        raise unknown
    if len(found) == 1:
        return found[0][0]
    shown = [FieldError(job_id, f"{kind}, {status}") for job_id, kind, status in found[:CANDIDATES_SHOWN]]
    if len(found) > len(shown):
        shown.append(FieldError("", f"and {len(found) - len(shown)} more"))
    raise UsageError(
        f"{len(found)} jobs begin with {text!r}:", "Give more characters of one.", errors=tuple(shown)
    )


def _begins(job_id: str, text: str) -> bool:
    return job_id.startswith(text) or job_id.partition("-")[2].startswith(text)
