"""What the data folder's bytes are for: every byte once, by kind and by job."""

import os
from pathlib import Path

from shared.disk_use import DATA_KINDS, disk_use, has_weights
from shared.job_folder import JobFolder

KIB = 1024


def write(path: Path, kib: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(kib * KIB))


def test_every_byte_is_counted_once_under_its_kind(tmp_path: Path) -> None:
    sizes = {
        "files/file-1/content": ("uploads", 64),
        "files/.incoming-1/content": ("uploads", 4),
        "models/tiny-nf4/model.safetensors": ("prepared_models", 32),
        "store/appendonlydir/a.aof": ("store", 16),
        "logs/api.log": ("other", 4),
        "api.key": ("other", 4),
        "jobs/ftjob-1/rows/training.jsonl": ("rows", 8),
        "jobs/ftjob-1/checkpoints/step-5/adapter.safetensors": ("checkpoints", 40),
        "jobs/ftjob-1/adapter/adapter_model.safetensors": ("adapters", 48),
        "jobs/ftjob-1/adapter-llama/adapter_model.safetensors": ("adapters", 48),
        "jobs/ftjob-1/attempts/1/events.jsonl": ("journals", 12),
        "jobs/ftjob-2/report.json": ("reports", 4),
        "jobs/.deleted-1/adapter/adapter_model.safetensors": ("adapters", 4),
    }
    for name, (_, kib) in sizes.items():
        write(tmp_path / name, kib)
    (tmp_path / "jobs" / "ftjob-2" / "elsewhere").symlink_to("/usr")
    use = disk_use(tmp_path)
    assert set(use.by_kind) == set(DATA_KINDS)
    for kind in DATA_KINDS:
        least = sum(kib for found, kib in sizes.values() if found == kind) * KIB
        assert least <= use.by_kind[kind] <= least + 64 * KIB, kind  # folders take a block or two
    assert 156 * KIB <= use.by_job["ftjob-1"] <= 220 * KIB
    assert use.complete
    assert sum(use.by_kind.values()) < sum(kib for _, kib in sizes.values()) * KIB + 256 * KIB


def test_an_adapter_that_two_jobs_have_counts_once(tmp_path: Path) -> None:
    write(tmp_path / "jobs" / "ftjob-1" / "adapter" / "adapter_model.safetensors", 512)
    (tmp_path / "jobs" / "evaljob-1" / "start").mkdir(parents=True)
    os.link(
        tmp_path / "jobs" / "ftjob-1" / "adapter" / "adapter_model.safetensors",
        tmp_path / "jobs" / "evaljob-1" / "start" / "adapter_model.safetensors",
    )
    use = disk_use(tmp_path)
    assert 512 * KIB <= use.by_kind["adapters"] < 600 * KIB
    assert sum(use.by_job.values()) < 600 * KIB


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert sum(disk_use(tmp_path / "none").by_kind.values()) == 0


def test_counting_ends_in_time_and_says_that_it_is_not_all(tmp_path: Path) -> None:
    write(tmp_path / "files" / "file-1" / "content", 4)
    assert not disk_use(tmp_path, seconds=-1).complete


def test_an_adapter_or_a_whole_checkpoint_is_something_trained(tmp_path: Path) -> None:
    assert not has_weights(JobFolder(tmp_path / "none"))
    write(tmp_path / "half" / "checkpoints" / "step-5" / "adapter.safetensors", 4)
    assert not has_weights(JobFolder(tmp_path / "half"))
    write(tmp_path / "half" / "checkpoints" / "step-5" / "manifest.json", 1)
    assert has_weights(JobFolder(tmp_path / "half"))
    (tmp_path / "trained" / "adapter").mkdir(parents=True)
    assert has_weights(JobFolder(tmp_path / "trained"))
