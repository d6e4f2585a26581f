"""A record that the store has lost, made again from the job's folder."""

from shared.jobs import TERMINAL
from shared.journal import journal_events
from shared.json_text import json_text
from shared.messages.message import say
from shared.repair.on_disk import JobOnDisk, attempt_numbers, journal_runs
from shared.repair.scene import Scene, milliseconds


def rebuild(scene: Scene, disk: JobOnDisk, taken: set[int]) -> bool:
    """False where the store has the job by now, or somebody deletes it. `taken`: numbers of other jobs.

    A job that did not end is queued and goes on from its checkpoint. The number of its next attempt is above
    those of all that wrote to the folder. Raises StoreUnavailable and OSError.
    """
    if not disk.folder.path.is_dir() or disk.is_going:
        return False
    names = scene.store.entries_of(disk.id)
    if any(entry["key"].endswith(f":job:{disk.id}") for entry in names):
        return False
    if names:
        scene.aside.keep_entries(names)
    scene.store.forget(disk.id)
    mark = disk.acceptance
    fields = _fields(disk)
    if mark and mark.number is not None and mark.number not in taken:
        fields["number"] = str(mark.number)
        taken.add(mark.number)
    return scene.store.rebuild(
        disk.id,
        fields,
        say("record-rebuilt"),
        idempotency_key=(mark.idempotency_key or "") if mark else "",
        fingerprint=(mark.fingerprint or "") if mark else "",
    )


def _fields(disk: JobOnDisk) -> dict[str, str]:
    mark, ended = disk.acceptance, disk.ended
    created_at = milliseconds((mark.created_at if mark else None) or disk.touched_at)
    runs, count, last = journal_runs(disk)
    fields = {
        "kind": disk.kind,
        "status": ended.status if ended else "queued",
        "request": json_text(disk.request),
        "created_at": created_at,
        "queued_at": created_at,
        "attempt": str(max(disk.attempts, ended.attempt if ended else 0)),
        "owner": mark.owner if mark else "local",
        "event_count": str(count),
        "priority": str(disk.request.get("priority", 0)) if disk.request else "0",
    }
    if runs:
        fields["journal_runs"] = runs
    if started := _began(disk):
        fields["started_at"] = started
    if disk.model_is_deleted:
        fields["model_deleted_at"] = milliseconds(disk.touched_at)
    if ended and ended.status in TERMINAL:
        fields["finished_at"] = milliseconds(ended.at)
        fields |= {
            name: json_text(value)
            for name, value in (("result", ended.result), ("error", ended.error))
            if value is not None
        }
    else:
        if before := (disk.request or {}).get("after"):
            fields["waits_for"] = " ".join(before)
        fields |= {f"events_of:{attempt}": str(number) for attempt, number in last.items()}
    return fields


def _began(disk: JobOnDisk) -> str | None:
    for attempt in attempt_numbers(disk.folder):
        for event in journal_events(disk.folder.attempt(attempt).journal):
            return milliseconds(event.at)
    return None
