"""Rows of an uploaded file: read once for all its jobs, and again whenever something may be different."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from services.api import checked_rows, job_rows
from services.api.checked_rows import MOST_WAYS
from shared.datasets.prepare import prepare_dataset
from shared.schemas.datasets import DatasetSummary
from tests.api.conftest import ROWS, Api


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The sources that are read from now on, by the real reader."""
    read: list[Path] = []

    def counted(source: Path, destination: Path, **more: Any) -> DatasetSummary:
        read.append(source)
        return prepare_dataset(source, destination, **more)

    monkeypatch.setattr(job_rows, "prepare_dataset", counted)
    return read


def submit(api: Api, file_id: str, **fields: Any) -> Path:
    """The folder of a new job."""
    body = {"kind": "fine_tuning", "model": "tiny", "training_file": file_id, **fields}
    answer = api.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return api.job_folder(str(answer.get_json()["id"]))


def told(folder: Path) -> dict[str, Any]:
    """What the job's spec says of its training rows."""
    return dict(json.loads((folder / "spec.json").read_bytes())["datasets"]["training"])


def test_the_second_job_of_a_file_gets_the_same_rows_and_nothing_is_read(api: Api, reads: list[Path]) -> None:
    file_id = api.uploaded([*ROWS, ROWS[0]])
    first, second = submit(api, file_id), submit(api, file_id)
    assert len(reads) == 1
    assert told(first) == told(second)
    assert [warning["code"] for warning in told(second)["warnings"]]  # of the repeated row
    rows = [folder / "rows" / "training.jsonl" for folder in (first, second)]
    assert rows[0].read_bytes() == rows[1].read_bytes()
    assert rows[0].samefile(rows[1])


def test_another_way_to_read_a_file_is_read_for_itself_and_the_oldest_ways_go(
    api: Api, reads: list[Path]
) -> None:
    file_id = api.uploaded()
    text, label = {"text": "text"}, {"label": "label"}
    ways: list[dict[str, Any]] = [
        {},
        {"format": "classification"},
        *({"format": "classification", "columns": columns} for columns in (text, label, text | label)),
    ]
    for way in (*ways, ways[-1]):
        submit(api, file_id, **way)
    assert len(reads) == len(ways) == MOST_WAYS + 1
    kept = api.settings.data_dir / "files" / file_id / checked_rows.FOLDER
    assert len(list(kept.iterdir())) == MOST_WAYS
    submit(api, file_id)  # the oldest way
    assert len(reads) == len(ways) + 1


def test_a_deleted_file_is_gone_with_what_was_read_of_it_and_its_jobs_keep_their_rows(api: Api) -> None:
    file_id = api.uploaded()
    folder = submit(api, file_id)
    assert api.delete(f"/v1/files/{file_id}").status_code == 200
    assert not (api.settings.data_dir / "files" / file_id).exists()
    assert len((folder / "rows" / "training.jsonl").read_text().splitlines()) == len(ROWS)
    answer = api.post("/v1/jobs", json={"kind": "fine_tuning", "model": "tiny", "training_file": file_id})
    assert answer.status_code == 422


def changed_rows(place: Path, job: Path) -> None:
    (job / "rows" / "training.jsonl").write_text("{}\n")


def changed_content(place: Path, job: Path) -> None:
    (place / "content").write_text('{"text": "other", "label": "spam"}\n' * 2)


def torn_summary(place: Path, job: Path) -> None:
    (summary,) = place.glob("checked/*/summary.json")
    summary.write_bytes(summary.read_bytes()[:20])


def no_rows(place: Path, job: Path) -> None:
    (rows,) = place.glob("checked/*/rows.jsonl")
    rows.unlink()


@pytest.mark.parametrize("damage", [changed_rows, changed_content, torn_summary, no_rows])
def test_what_was_touched_since_is_read_again_and_kept_anew(damage: Any, api: Api, reads: list[Path]) -> None:
    file_id = api.uploaded()
    place = api.settings.data_dir / "files" / file_id
    damage(place, submit(api, file_id))
    good = submit(api, file_id)
    assert told(good)["rows"] == (2 if damage is changed_content else len(ROWS))
    assert len((good / "rows" / "training.jsonl").read_text().splitlines()) == told(good)["rows"]
    submit(api, file_id)
    assert len(reads) == 2


def test_another_version_of_the_reader_reads_again(
    api: Api, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = api.uploaded()
    submit(api, file_id)
    monkeypatch.setattr(checked_rows, "reader", lambda: "another")
    submit(api, file_id)
    assert len(reads) == 2


def test_a_disk_without_hard_links_costs_time_and_nothing_else(
    api: Api, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    file_id = api.uploaded()
    submit(api, file_id)
    folder = submit(api, file_id)
    assert len(reads) == 2
    assert told(folder)["rows"] == len(ROWS)
    kept = api.settings.data_dir / "files" / file_id / checked_rows.FOLDER
    assert not list(kept.iterdir())
    shutil.rmtree(folder)


def test_a_file_whose_rows_are_refused_is_refused_each_time(api: Api, reads: list[Path]) -> None:
    file_id = api.uploaded([*ROWS, {"text": "no label"}])
    for _ in range(2):
        answer = api.post("/v1/jobs", json={"kind": "fine_tuning", "model": "tiny", "training_file": file_id})
        assert answer.status_code == 422
    assert len(reads) == 2


@pytest.mark.parametrize("given", [False, True], ids=["read", "given"])
def test_all_of_a_job_s_folder_is_on_the_disk_before_the_store_takes_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    file_id = api.uploaded()
    before = 1 if given else 0
    if given:
        submit(api, file_id)
    seen: dict[str, int] = {}
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        seen.setdefault(name, len(api.store.list_jobs().records))  # later the mark is written

    monkeypatch.setattr(os, "fsync", noted)
    folder = submit(api, file_id)
    wanted = {"jobs", folder.name, "rows", ".spec.json.draft"}
    assert {name: jobs for name, jobs in seen.items() if name in wanted} == dict.fromkeys(wanted, before)
