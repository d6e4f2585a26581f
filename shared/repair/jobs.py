"""Each record against its job's folder, and folders without a record."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from shared.acceptance import Acceptance, mark_accepted
from shared.durable import write_durably
from shared.ended_copy import EndedCopy, copy_of, document, keep_ended_copy
from shared.jobs import STATUSES, TERMINAL, kind_of_id
from shared.json_text import json_text
from shared.messages.message import say, stored
from shared.old_uploads import is_abandoned
from shared.repair.on_disk import JobOnDisk, is_request
from shared.repair.rebuilding import rebuild
from shared.repair.scene import Scene, milliseconds
from shared.repair.trouble import Trouble
from shared.repair_store import RawRecord

CLAIMED = ("running", "pausing", "cancelling")
WITHOUT_ROWS = ("load_diagnostic", "model_preparation")  # their spec can be made again from the record
_NUMBERS = ("number", "created_at", "queued_at", "attempt")
_LATER_NUMBERS = ("started_at", "finished_at", "model_deleted_at")
_ORDER = ("priority", "place")
_DOCUMENTS = ("progress", "result", "error")


def record_troubles(
    scene: Scene, record: RawRecord, disk: JobOnDisk | None, taken: set[int]
) -> Iterator[Trouble]:
    """What is wrong with one record, and with what its folder says of the job."""
    if why := unusable(record):
        yield Trouble("record_damaged", record.id, partial(_replace, scene, record, disk, taken), why)
        return
    if fields := _damaged_fields(record, disk):
        mend = partial(_replace_fields, scene, record, fields)
        yield Trouble("record_damaged", record.id, mend, ", ".join(sorted(fields)))
    if disk and disk.is_going:  # the next sweep ends that
        return
    if disk and disk.request is not None and disk.request != json.loads(record.fields["request"]):
        yield Trouble(
            "record_differs",
            record.id,
            partial(_replace_fields, scene, record, {"request": json_text(disk.request)}),
        )
    if record.status in TERMINAL:
        yield from _ended_troubles(scene, record, disk)
    else:
        yield from _open_troubles(scene, record, disk)


def folder_troubles(scene: Scene, disk: JobOnDisk, taken: set[int]) -> Iterator[Trouble]:
    """What is wrong with a folder that the store has no record for."""
    if disk.is_going:
        return
    if not disk.was_accepted:
        if not scene.is_running or is_abandoned(disk.folder.path):  # else a submit may be writing it
            yield Trouble("never_accepted", disk.id, partial(_set_aside, scene, disk))
    elif disk.spec is None:
        yield Trouble("folder_unknown", disk.id, partial(_set_aside, scene, disk))
    else:
        if disk.copy_is_damaged:
            yield _damaged_copy(scene, disk)
        yield Trouble("record_lost", disk.id, partial(rebuild, scene, disk, taken))


def _ended_troubles(scene: Scene, record: RawRecord, disk: JobOnDisk | None) -> Iterator[Trouble]:
    if disk is None:
        yield Trouble("folder_lost", record.id, partial(_make_folder, scene, record))
        return
    if disk.spec is None and not any(str(disk.folder.spec) in one for one in disk.unread):
        yield Trouble("spec_lost", record.id, partial(_write_spec, scene, record))
    if disk.copy_is_damaged or (disk.ended and disk.ended.status != record.status):
        yield Trouble("copy_damaged", record.id, partial(_renew_copy, scene, record))
    elif disk.ended is None and not any(str(disk.folder.result) in one for one in disk.unread):
        yield Trouble("copy_lost", record.id, partial(_keep_copy, scene, record))


def _open_troubles(scene: Scene, record: RawRecord, disk: JobOnDisk | None) -> Iterator[Trouble]:
    is_claimed = record.status in CLAIMED
    is_at_work = is_claimed and scene.is_running
    if disk is None:
        if not is_at_work:
            yield Trouble("folder_lost", record.id, partial(_give_up, scene, record, "jobs", has_spec=False))
        return
    if disk.ended is not None:
        yield Trouble("ended_on_disk", record.id, partial(_end_as_copied, scene, record, disk.ended))
        return
    if disk.copy_is_damaged:
        yield _damaged_copy(scene, disk)
    if not is_at_work and not disk.unread and (missing := _missing(disk)):
        if missing == disk.folder.spec.name and disk.kind in WITHOUT_ROWS:
            yield Trouble("spec_lost", record.id, partial(_write_spec, scene, record))
        else:
            yield Trouble(
                "job_files_lost",
                record.id,
                partial(_give_up, scene, record, missing, has_spec=disk.spec is not None),
                missing,
            )
            return
    is_behind = disk.attempts > int(record.fields["attempt"])
    if is_behind or (is_claimed and not scene.is_running):
        put_back = partial(scene.store.put_back, record, least_attempt=disk.attempts, drop_lease=is_claimed)
        yield Trouble("attempt_behind" if is_behind else "claimed_by_nobody", record.id, put_back)


def _missing(disk: JobOnDisk) -> str | None:
    """The name of a file without which the job can't run."""
    if disk.spec is None:
        return disk.folder.spec.name
    return next((disk.folder.rows_of(part).name for part in disk.missing_rows), None)


def unusable(record: RawRecord) -> str:
    """The field for which the record as a whole can't be used, or nothing."""
    kind = kind_of_id(record.id)
    if kind is None or record.fields.get("kind") != kind:
        return "kind"
    if record.status not in STATUSES:
        return "status"
    for name in _NUMBERS:
        if not _is_number(record.fields.get(name, "")):
            return name
    return "" if is_request(document(record.fields.get("request")), kind) else "request"


def _damaged_fields(record: RawRecord, disk: JobOnDisk | None) -> dict[str, str]:
    """Fields that can't be read → what the disk has of them, or nothing."""
    found = {}
    for name in _DOCUMENTS:
        if (text := record.fields.get(name)) is not None and document(text) is None:
            copied = getattr(disk.ended, name, None) if disk and disk.ended else None
            found[name] = json_text(copied) if copied is not None else ""
    for name in _LATER_NUMBERS:
        if (text := record.fields.get(name)) is not None and not _is_number(text):
            found[name] = record.fields["queued_at"] if name == "finished_at" else ""
    for name in _ORDER:
        if (text := record.fields.get(name)) is not None and not _is_number(text.removeprefix("-")):
            found[name] = ""
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _replace(scene: Scene, record: RawRecord, disk: JobOnDisk | None, taken: set[int]) -> bool:
    if scene.store.raw_record(record.id) != record:
        return False
    scene.aside.keep_entries(scene.store.entries_of(record.id))
    scene.store.forget(record.id)
    if disk and disk.spec is not None:
        if disk.acceptance is None:  # the store had it, so it was accepted
            mark_accepted(disk.folder, Acceptance())
        if (number := record.fields.get("number", "")).isdecimal():
            taken.discard(int(number))  # it was its own
        if disk.ended is None and (ended := _end_told_by(record)):
            keep_ended_copy(disk.folder, ended)
            disk = replace(disk, ended=ended)
        return rebuild(scene, disk, taken)
    return True


def _end_told_by(record: RawRecord) -> EndedCopy | None:
    """How a job ended whose record tells that it did, and not how: what is left of it says as much."""
    fields = record.fields
    if not _is_number(fields.get("finished_at", "")):
        return None
    succeeded, failed = (document(fields.get(name)) is not None for name in ("result", "error"))
    status = "succeeded" if succeeded else "failed" if failed else "cancelled"
    numbers = {name: fields[name] if _is_number(fields.get(name, "")) else "0" for name in _NUMBERS}
    return copy_of(record.id, {**fields, **numbers, "status": status})


def _replace_fields(scene: Scene, record: RawRecord, fields: Mapping[str, str]) -> bool:
    scene.aside.keep_entries(scene.store.entries_of(record.id))
    return scene.store.correct(record, fields)


def _set_aside(scene: Scene, disk: JobOnDisk) -> bool:
    if scene.store.raw_record(disk.id) is not None:
        return False
    return scene.set_aside(disk.folder.path)


def _damaged_copy(scene: Scene, disk: JobOnDisk) -> Trouble:
    return Trouble("copy_damaged", disk.id, partial(scene.set_aside, disk.folder.result))


def _make_folder(scene: Scene, record: RawRecord) -> bool:
    folder = scene.folder(record.id)
    folder.path.mkdir(parents=True)
    mark_accepted(folder, Acceptance(number=int(record.fields["number"])))
    _write_spec(scene, record)
    _keep_copy(scene, record)
    if has_model(record):  # its adapter went with the folder
        return tell_model_is_gone(scene, record.id)
    return True


def has_model(record: RawRecord) -> bool:
    """Whether the record says that its job made a model, which nobody deleted."""
    made = (document(record.fields.get("result")) or {}).get("fine_tuned_model")
    return record.status == "succeeded" and bool(made) and not record.fields.get("model_deleted_at")


def tell_model_is_gone(scene: Scene, job_id: str) -> bool:
    """Show the model as deleted. Jobs that use it hold their own names of its files."""
    record = scene.store.raw_record(job_id)
    if record is None or not has_model(record):
        return False
    return scene.store.correct(record, {"model_deleted_at": milliseconds(scene.now)})


def _write_spec(scene: Scene, record: RawRecord) -> bool:
    path = scene.folder(record.id).spec
    if path.exists():
        scene.aside.move(path)
    request = json.loads(record.fields["request"])
    spec = {"id": record.id, "kind": record.fields["kind"], "request": request, "datasets": {}}
    write_durably(path, json.dumps(spec, ensure_ascii=False).encode())
    return True


def _renew_copy(scene: Scene, record: RawRecord) -> bool:
    scene.set_aside(scene.folder(record.id).result)
    return _keep_copy(scene, record)


def _keep_copy(scene: Scene, record: RawRecord) -> bool:
    keep_ended_copy(scene.folder(record.id), copy_of(record.id, record.fields))
    return True


def _end_as_copied(scene: Scene, record: RawRecord, ended: EndedCopy) -> bool:
    return scene.store.end_as_told(
        record,
        ended.status,
        say("ended-as-the-disk-says", status=ended.status),
        attempt=ended.attempt,
        finished_ms=str(round(ended.at * 1000)),
        result="" if ended.result is None else json_text(ended.result),
        error="" if ended.error is None else json_text(ended.error),
    )


def _give_up(scene: Scene, record: RawRecord, missing: str, *, has_spec: bool) -> bool:
    """End a job that can't run any more: its worker would only say the same. A spec that can't be read is
    written from the record, so that the folder of the ended job is whole.
    """
    lost = say("job-file-missing", name=missing)
    error = {
        "code": "job_files_lost",
        "message": stored(lost),
        "remedy": stored(say("restore-or-submit-again")),
    }
    if not scene.store.end_as_told(record, "failed", lost, error=json_text(error)):
        return False
    ended = scene.store.raw_record(record.id)
    folder = scene.folder(record.id)
    if ended is not None:
        if not folder.path.is_dir():
            return _make_folder(scene, ended)
        if not has_spec:
            _write_spec(scene, ended)
        keep_ended_copy(folder, copy_of(ended.id, ended.fields))
    return True
