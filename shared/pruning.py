"""Applying the rule of retention to an installation: its facts gathered, what leaves removed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.disk_use import DiskUse, disk_use, has_weights
from shared.errors import InvalidTransition, NotFound
from shared.job_folder import JobFolder
from shared.keeper_store import KeeperStore
from shared.messages.message import Message
from shared.removal import Removal
from shared.retention import KeptJob, Leaving, RetentionRule, leaving


@dataclass(frozen=True)
class Pruned:
    """What left, and what was to leave and did not, with the reason."""

    removed: list[Leaving]
    refused: list[tuple[Leaving, str | Message]]


def kept_jobs(store: KeeperStore, data_dir: Path, use: DiskUse) -> list[KeptJob]:
    """Every ended job with what decides over it, in no order."""
    users = store.model_users()
    return [
        KeptJob(
            id=job.id,
            kind=job.kind,
            status=job.status,
            finished_at=job.finished_at,
            number=job.number,
            size_bytes=use.by_job.get(job.id, 0),
            has_weights=not job.model_deleted and has_weights(JobFolder.of(data_dir, job.id)),
            used_by=users.get(job.id),
        )
        for job in store.ended_jobs()
    ]


def to_leave(store: KeeperStore, data_dir: Path, rule: RetentionRule) -> list[Leaving]:
    """What `rule` lets go now, oldest first; nothing is changed."""
    return leaving(kept_jobs(store, data_dir, disk_use(data_dir)), rule, store.now())


def remove(removal: Removal, jobs: Iterable[Leaving]) -> Pruned:
    """Delete each; one that a new job uses meanwhile stays."""
    done = Pruned([], [])
    for entry in jobs:
        try:
            removal.remove_job(entry.job.id)
        except NotFound:  # somebody deleted it meanwhile
            continue
        except InvalidTransition as refusal:
            done.refused.append((entry, refusal.said))
        else:
            done.removed.append(entry)
    return done
