"""Which fine-tuned model a user means: its id, a checkpoint's, the job that makes it, or its beginning."""

from services.cli.client import Client
from services.cli.failure import CommandFailed, UsageError
from services.cli.job_ids import LAST, find_job
from services.cli.model_ids import find_model
from shared.jobs import TERMINAL
from shared.messages.message import say
from shared.model_names import is_fine_tuned
from shared.schemas.records import JobRecord


def named_adapter(client: Client, text: str) -> tuple[str, JobRecord]:
    """(the fine-tuned model's id, the job that made it); `last` is the newest that made one, or still may.

    Of a job that has not ended it is the job's id: what uses the model then waits for it.
    Raises `CommandFailed` for a job that makes none, `UsageError` as `find_job` does, and for one that there
    isn't `RequestRefused`.
    """
    text = find_model(client, text) if is_fine_tuned(text) else text
    record = client.job(_newest(client) if text == LAST else find_job(client, text, kind="fine_tuning"))
    if is_fine_tuned(text):
        return text, record
    made = (record.result or {}).get("fine_tuned_model")
    if not made and record.request.get("dry_run"):
        raise CommandFailed(say("was-dry-run", job=record.id), say("submit-without-dry-run"))
    if record.kind == "fine_tuning" and record.status not in TERMINAL:
        return record.id, record
    if not made:
        raise CommandFailed(
            say("made-no-adapter", job=record.id, kind=record.kind, status=record.status),
            say("list-jobs-with-adapter-row"),
        )
    return str(made), record


def _newest(client: Client) -> str:
    """The newest fine-tuning that neither failed nor was cancelled."""
    names = client.job_names("fine_tuning")
    newest = next((job_id for job_id, _, status in names if status not in ("failed", "cancelled")), None)
    if newest is None:
        raise UsageError(say("no-such-job-yet", words=["fine_tuning", "succeeded"]))
    return newest
