"""OpenAI's files API: what is taken in, what is refused, and that nothing half stays."""

import io
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from services.api.uploads import FileShelf, plain_filename
from shared.old_uploads import remove_abandoned
from tests.api.conftest import Api, make_api


def stored_names(api: Api) -> list[str]:
    return sorted(path.name for path in (api.settings.data_dir / "files").iterdir())


def test_a_file_is_uploaded_read_listed_and_deleted(api: Api) -> None:
    content = bytes(range(256)) * 1000 + b"\r\n--\r\n"
    answer = api.upload(content, name="rows.jsonl")
    stored: dict[str, Any] = answer.get_json()
    assert answer.status_code == 200
    assert (stored["object"], stored["bytes"], stored["filename"]) == ("file", len(content), "rows.jsonl")
    assert (stored["purpose"], stored["status"]) == ("fine-tune", "processed")
    assert stored_names(api) == [stored["id"]]
    assert api.get(f"/v1/files/{stored['id']}").get_json() == stored
    with api.get(f"/v1/files/{stored['id']}/content") as download:
        assert download.data == content
        assert "filename=rows.jsonl" in download.headers["Content-Disposition"]
    assert api.get("/v1/files").get_json()["data"] == [stored]
    assert api.delete(f"/v1/files/{stored['id']}").get_json() == {
        "id": stored["id"], "object": "file", "deleted": True,
    }  # fmt: skip
    assert stored_names(api) == []
    assert api.get(f"/v1/files/{stored['id']}").status_code == 404
    assert api.delete(f"/v1/files/{stored['id']}").status_code == 404


def test_files_are_listed_by_pages_order_and_purpose(api: Api) -> None:
    ids = [api.upload(b"a", purpose=purpose).get_json()["id"] for purpose in ("fine-tune", "evals", "evals")]
    newest_first = [file["id"] for file in api.get("/v1/files").get_json()["data"]]
    assert newest_first == ids[::-1]
    page = api.get("/v1/files?limit=2&order=asc").get_json()
    assert ([file["id"] for file in page["data"]], page["has_more"]) == (ids[:2], True)
    page = api.get(f"/v1/files?limit=2&order=asc&after={ids[1]}").get_json()
    assert ([file["id"] for file in page["data"]], page["has_more"]) == (ids[2:], False)
    assert len(api.get("/v1/files?purpose=evals").get_json()["data"]) == 2
    assert api.get("/v1/files?after=file-unknown").status_code == 404


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("스팸 문자.jsonl", "스팸 문자.jsonl"),
        ("..", ".."),
        ("a" * 300, "a" * 255),
        ("/", "upload"),
    ],
)
def test_a_file_name_is_kept_as_words_and_names_nothing_on_the_disk(api: Api, sent: str, kept: str) -> None:
    answer = api.upload(b"x", name=sent)
    assert answer.status_code == 200
    assert answer.get_json()["filename"] == kept
    assert stored_names(api) == [answer.get_json()["id"]]


def test_a_file_name_keeps_neither_folders_nor_control_characters() -> None:
    assert plain_filename("C:\\Users\\me\\rows.jsonl") == "rows.jsonl"
    assert plain_filename("new\nline\x1b[31m.csv\0") == "newline[31m.csv"


@pytest.mark.parametrize(
    "file_id",
    [
        "..",
        "file-..",
        "file-" + "a" * 23 + "/",
        "file-" + "%2e" * 8,
        "file-" + "a" * 24,
        ".incoming-0",
        "file-%00",
    ],
)
def test_only_ids_of_our_making_are_looked_up(api: Api, file_id: str) -> None:
    for path in (f"/v1/files/{file_id}", f"/v1/files/{file_id}/content"):
        assert api.get(path).status_code == 404
    assert api.delete(f"/v1/files/{file_id}").status_code in (404, 405)


def test_an_empty_file_is_refused(api: Api) -> None:
    answer = api.upload(b"")
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (400, "file")
    assert "is empty. Save it again with rows in it." in answer.get_json()["detail"]
    assert "The file rows" in answer.get_json()["detail"]
    assert stored_names(api) == []


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"purpose": "fine-tune"}, 400, "part `file`"),
        ({"file": (io.BytesIO(b"x"), "a.jsonl")}, 400, "The form field purpose is missing"),
        ({"purpose": "vision", "file": (io.BytesIO(b"x"), "a.jsonl")}, 400, 'It is "vision"'),
        (
            {"purpose": "fine-tune", "other": (io.BytesIO(b"x"), "a.jsonl")},
            400,
            "The form field other is unknown",
        ),
        (
            {"purpose": "fine-tune", "file": [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"y"), "b")]},
            400,
            "one file",
        ),
        (
            {"purpose": "fine-tune", "expires_after[seconds]": "3600", "file": (io.BytesIO(b"x"), "a")},
            400,
            "belong together",
        ),
        (
            {
                "purpose": "fine-tune",
                "expires_after[anchor]": "now",
                "expires_after[seconds]": "3600",
                "file": (io.BytesIO(b"x"), "a"),
            },
            400,
            'must be "created_at". It is "now"',
        ),
        (
            {"purpose": "x" * 300_000, "file": (io.BytesIO(b"x"), "a")},
            413,
            "larger than allowed. JSON may have 1.05 MB",
        ),
        ({f"field{number}": "x" for number in range(20)}, 413, "larger than allowed"),
    ],
)
def test_a_bad_form_is_refused_and_leaves_nothing(
    api: Api, form: dict[str, Any], status: int, words: str
) -> None:
    answer = api.post("/v1/files", data=form, content_type="multipart/form-data")
    assert answer.status_code == status
    assert words in answer.get_json()["detail"]
    assert stored_names(api) == []


@pytest.mark.parametrize("seconds", ["3599", "2592001", "-1", "3600.0", "an hour", "9" * 5000])
def test_a_file_is_kept_for_an_hour_at_least_and_thirty_days_at_most(api: Api, seconds: str) -> None:
    form = {"purpose": "fine-tune", "expires_after[anchor]": "created_at", "expires_after[seconds]": seconds}
    answer = api.post("/v1/files", data={**form, "file": (io.BytesIO(b"x"), "a")})
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (400, "expires_after[seconds]")
    assert f'a whole number from 3600 to 2592000. It is "{seconds[:40]}"' in answer.get_json()["detail"]
    assert stored_names(api) == []


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("multipart/form-data", b"x", "names no boundary"),
        ("multipart/form-data; boundary=b", b"rows", "begin and end with the boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=purpose\r\n\r\nx",
         "begin and end with the boundary"),
        ("multipart/form-data; boundary=b",
         b'--b\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\nx\r\n--b--\r\n',
         "not UTF-8"),
    ],
)  # fmt: skip
def test_a_form_that_can_not_be_read_is_told_in_no_parser_s_words(
    api: Api, content_type: str, body: bytes, words: str
) -> None:
    answer = api.post("/v1/files", data=body, content_type=content_type)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed_request")
    assert words in answer.get_json()["detail"]
    assert not re.search("State|codec", answer.text)


def test_a_body_that_is_no_form_is_malformed(api: Api) -> None:
    for content_type in ("application/json", "multipart/form-data", "multipart/form-data; boundary=é"):
        answer = api.post("/v1/files", data=b"no form at all", content_type=content_type)
        assert answer.status_code == 400, answer.text


def test_a_file_over_the_limit_is_refused_with_the_knob_to_turn(api: Api) -> None:
    for size_bytes in (api.settings.max_upload_bytes + 1, api.settings.max_upload_bytes * 2):
        answer = api.upload(b"x" * size_bytes)
        assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")
        assert "TUNEDOCK_MAX_UPLOAD_BYTES" in answer.get_json()["detail"]
    assert stored_names(api) == []
    assert api.upload(b"x" * api.settings.max_upload_bytes).status_code == 200


def test_uploads_and_jobs_are_refused_when_the_disk_runs_full(api: Api) -> None:
    file_id = api.uploaded()
    full = make_api(api.settings.model_copy(update={"min_free_bytes": 2**60}), api.store)
    answer = full.upload(b"x")
    assert (answer.status_code, answer.get_json()["code"]) == (507, "disk_full")
    assert "TUNEDOCK_MIN_FREE_BYTES" in answer.get_json()["detail"]
    answer = full.post("/v1/jobs", json={"kind": "fine_tuning", "training_file": file_id})
    assert answer.status_code == 507
    assert stored_names(api) == [file_id]
    assert list((api.settings.data_dir / "jobs").iterdir()) == []


def test_what_a_dead_process_left_half_received_is_swept_up(api: Api) -> None:
    files = api.settings.data_dir / "files"
    for name, age_seconds in ((".incoming-old", 7200), (".incoming-new", 10)):
        (files / name).mkdir()
        (files / name / "content").write_bytes(b"half")
        then = time.time() - age_seconds
        for path in (files / name / "content", files / name):
            os.utime(path, (then, then))
    kept = api.upload(b"x").get_json()["id"]
    assert stored_names(api) == [".incoming-new", kept]
    assert json.loads((files / kept / "file.json").read_text())["sha256"]


def test_what_a_living_process_receives_stays_however_old_the_clock_makes_it_look(tmp_path: Path) -> None:
    """The clock of a laptop that slept jumps, and the file that arrives looks hours old at once."""
    shelf = FileShelf(tmp_path, limit_bytes=100, reserve_bytes=0)
    arriving = shelf.receive(10)
    arriving.write(b"half")
    for path in (arriving.folder / "content", arriving.folder):
        os.utime(path, (0, 0))
    remove_abandoned(tmp_path)
    assert shelf.keep(arriving, filename="a.jsonl", purpose="fine-tune").bytes == 4
    arriving.discard()
    assert [path.name[:5] for path in tmp_path.iterdir()] == ["file-"]


@pytest.mark.parametrize("line_bytes", [1, 2, 63, 64, 80, 1000, 65_536, 70_001])
def test_a_text_arrives_whole_wherever_its_lines_end(api: Api, line_bytes: int) -> None:
    """The form's parser holds back what may be the start of its boundary, which a line's end may."""
    text = (b"x" * (line_bytes - 1) + b"\n") * (400_000 // line_bytes)
    answer = api.upload(text)
    assert answer.status_code == 200, answer.text
    with api.get(f"/v1/files/{answer.get_json()['id']}/content") as download:
        assert download.data == text
