"""Which job a user means: a whole id, any beginning of one, a fine-tuned model's id, or `last`."""

import argparse

from services.cli.beginnings import the_one
from services.cli.client import Client
from services.cli.connection import JOBS_THERE_ARE
from services.cli.failure import UsageError
from services.cli.model_ids import find_model
from shared.jobs import is_whole_job_id
from shared.messages.message import say, stored
from shared.model_names import fine_tuned_model, is_fine_tuned

LAST = "last"


def add_job_argument(
    command: argparse.ArgumentParser, *, kind: str | None = None, is_optional: bool = False
) -> None:
    """The argument ID; `kind` is what `last` means the newest of."""
    told = say("help-job-id-row", last=LAST, kind=kind or "any")
    command.add_argument("job_id", metavar="ID", nargs="?" if is_optional else None, help=stored(told))


def find_job(client: Client, text: str, *, kind: str | None = None, status: str | None = None) -> str:
    """The id of the one job that `text` means, with or without the prefix that tells its kind; the name of a
    fine-tuned model means the job that made it.

    `kind` and `status` narrow `last` and what a beginning may stand for. Raises `UsageError` that lists the
    candidates when there are several, `RequestRefused` where no job begins so.
    """
    if is_fine_tuned(text) and (model := fine_tuned_model(find_model(client, text))):
        return model.job_id
    if is_whole_job_id(text):
        return text
    if not text:
        raise UsageError(say("job-id-empty"), JOBS_THERE_ARE)
    names = client.job_names(kind, status)
    if text == LAST:
        newest = next(names, None)
        if newest is None:
            words = [word for word in (kind, status) if word]
            raise UsageError(say("no-such-job-yet", words=words) if words else say("no-job-yet"))
        return newest[0]
    found = [name for name in names if _begins(name[0], text)]
    return the_one(
        [(job_id, say("kind-and-status-row", kind=kind, status=status)) for job_id, kind, status in found],
        none=say("no-job-begins-so", text=repr(text)),
        listed=JOBS_THERE_ARE,
        several=say("several-jobs-begin-so-row", jobs=len(found), text=repr(text)),
    )


def _begins(job_id: str, text: str) -> bool:
    return job_id.startswith(text) or job_id.partition("-")[2].startswith(text)
