"""Everything compared with everything; what was found is mended in the order in which it stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from shared.errors import StoreUnavailable
from shared.job_folder import jobs_folder
from shared.messages.render import in_english
from shared.repair.jobs import CLAIMED, folder_troubles, has_model, record_troubles, unusable
from shared.repair.on_disk import JobOnDisk, jobs_on_disk
from shared.repair.scene import Scene
from shared.repair.sealed import OnRead, adapter_troubles, checkpoint_troubles, model_copy_troubles
from shared.repair.trouble import Trouble
from shared.repair.uploads import upload_troubles
from shared.repair_store import RawRecord


@dataclass(frozen=True)
class Outcome:
    """`mended` is None for a trouble that can only be told; `why` says what kept one from being mended."""

    trouble: Trouble
    mended: bool | None
    why: str = ""


def examine(scene: Scene, on_read: OnRead = lambda _: None) -> list[Trouble]:
    """All troubles. The disk is read first: what it has, a store that is whole has had before.

    Raises StoreUnavailable.
    """
    on_disk = jobs_on_disk(jobs_folder(scene.data_dir))
    records = {record.id: record for record in scene.store.raw_records()}
    taken = {int(text) for record in records.values() if (text := record.fields.get("number", "")).isdigit()}
    return [
        *_of_records(scene, records, on_disk, taken),
        *_of_folders(scene, records, on_disk, taken),
        *_of_sealed_folders(scene, records, on_disk, on_read),
        *upload_troubles(scene, on_read),
        *_of_lists(scene, records, on_disk, taken),
    ]


def mend(troubles: list[Trouble]) -> Iterator[Outcome]:
    """Mend each; one that can't be mended keeps none of the others."""
    for trouble in troubles:
        if trouble.mend is None:
            yield Outcome(trouble, None)
            continue
        try:
            yield Outcome(trouble, trouble.mend())
        except OSError as error:
            yield Outcome(trouble, False, str(error))
        except StoreUnavailable as refusal:
            yield Outcome(trouble, False, in_english(refusal.said))


def _of_records(
    scene: Scene, records: dict[str, RawRecord], on_disk: dict[str, JobOnDisk], taken: set[int]
) -> Iterator[Trouble]:
    for job_id, record in sorted(records.items()):
        disk = on_disk.get(job_id)
        if disk is None and scene.folder(job_id).path.is_dir():  # it was submitted since the disk was read
            continue
        yield from record_troubles(scene, record, disk, taken)
        for text in disk.unread if disk else ():
            path, _, why = text.partition(": ")
            yield Trouble("not_readable", path, None, why)


def _of_folders(
    scene: Scene, records: dict[str, RawRecord], on_disk: dict[str, JobOnDisk], taken: set[int]
) -> Iterator[Trouble]:
    unknown = [disk for job_id, disk in on_disk.items() if job_id not in records]
    for disk in sorted(unknown, key=_made):
        yield from folder_troubles(scene, disk, taken)
        for text in disk.unread:
            path, _, why = text.partition(": ")
            yield Trouble("not_readable", path, None, why)


def _made(disk: JobOnDisk) -> tuple[float, float]:
    number = disk.acceptance.number if disk.acceptance else None
    return (float("inf") if number is None else number, disk.touched_at)


def _of_sealed_folders(
    scene: Scene, records: dict[str, RawRecord], on_disk: dict[str, JobOnDisk], on_read: OnRead
) -> Iterator[Trouble]:
    for job_id, disk in on_disk.items():
        record = records.get(job_id)
        if (record is None and not disk.was_accepted) or disk.is_going:
            continue
        if not (scene.is_running and record is not None and record.status in CLAIMED):
            yield from checkpoint_troubles(scene, disk, on_read)
        if _made_model(record, disk):
            yield from adapter_troubles(scene, disk, on_read)
    yield from model_copy_troubles(scene, on_read)


def _made_model(record: RawRecord | None, disk: JobOnDisk) -> bool:
    if record is not None:
        return has_model(record)
    ended = disk.ended
    made = ended is not None and ended.status == "succeeded" and (ended.result or {}).get("fine_tuned_model")
    return bool(made) and not disk.model_is_deleted


def _of_lists(
    scene: Scene, records: dict[str, RawRecord], on_disk: dict[str, JobOnDisk], taken: set[int]
) -> Iterator[Trouble]:
    """Last: records that were rebuilt or ended are in their lists then."""
    store = scene.store
    for job_id in sorted(store.ids_without_record() - records.keys()):
        if job_id not in on_disk or not on_disk[job_id].was_accepted:
            yield Trouble("name_without_record", job_id, partial(_forget, scene, job_id))
    usable = [record.id for record in records.values() if not unusable(record)]
    for job_id in store.in_wrong_lists(usable):
        yield Trouble("lists_disagree", job_id, partial(_into_lists, scene, job_id))
    for name in store.wrong_counts(max(taken, default=0)):
        yield Trouble("counts_wrong", name, partial(_count_again, scene, taken))


def _forget(scene: Scene, job_id: str) -> bool:
    if scene.store.raw_record(job_id) is not None:
        return False
    scene.aside.keep_entries(scene.store.entries_of(job_id))
    scene.store.forget(job_id)
    return True


def _into_lists(scene: Scene, job_id: str) -> bool:
    scene.store.in_wrong_lists([job_id], mend=True)
    return not scene.store.in_wrong_lists([job_id])


def _count_again(scene: Scene, taken: set[int]) -> bool:
    highest = max(taken, default=0)
    scene.store.wrong_counts(highest, mend=True)
    return not scene.store.wrong_counts(highest)
