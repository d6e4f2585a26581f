"""Which fine-tuned model a user means: its id, a checkpoint's, the job that made it, or its beginning."""

from services.cli.client import Client
from services.cli.failure import CommandFailed
from services.cli.job_ids import LAST, find_job
from shared.messages.message import say
from shared.model_names import is_fine_tuned
from shared.schemas.records import JobRecord


def named_adapter(client: Client, text: str) -> tuple[str, JobRecord]:
    """(the fine-tuned model's id, the job that made it); `last` is the newest that succeeded.

    Raises `CommandFailed` for a job that made none, `UsageError` as `find_job` does, `RequestRefused` for
    one that there isn't.
    """
    status = "succeeded" if text == LAST else None
    record = client.job(find_job(client, text, kind="fine_tuning", status=status))
    if is_fine_tuned(text):
        return text, record
    made = (record.result or {}).get("fine_tuned_model")
    if not made and record.request.get("dry_run"):
        raise CommandFailed(say("was-dry-run", job=record.id), say("submit-without-dry-run"))
    if not made:
        raise CommandFailed(
            say("made-no-adapter", job=record.id, kind=record.kind, status=record.status),
            say("list-jobs-with-adapter-row"),
        )
    return str(made), record
