"""Which fine-tuned model a user means: its id, a checkpoint's, the job that made it, or its beginning."""

from services.cli.client import Client
from services.cli.failure import CommandFailed
from services.cli.job_ids import LAST, find_job
from shared.model_names import is_fine_tuned
from shared.schemas import JobRecord


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
        raise CommandFailed(
            f"{record.id} was a dry run, which trains nothing and makes no adapter",
            "Submit it again without --dry-run.",
        )
    if not made:
        raise CommandFailed(
            f"{record.id} is a {record.kind} job that is {record.status}; it has made no adapter",
            "Those that have: ./tunedock jobs --kind fine_tuning --status succeeded",
        )
    return str(made), record
