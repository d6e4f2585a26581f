"""Which job a user means by a beginning of its id."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from services.cli.client import Client
from services.cli.failure import RequestRefused, UsageError
from services.cli.job_ids import find_job

A, B, C = "ftjob-abcd" + "e" * 20, "evaljob-abce" + "f" * 20, "ftjob-b" + "g" * 23
JOBS = [(A, "fine_tuning"), (B, "evaluation"), (C, "fine_tuning")]


class Listing(BaseHTTPRequestHandler):
    """Serves `JOBS`, newest first, two a page."""

    def do_GET(self) -> None:
        after = self.path.partition("after=")[2].partition("&")[0]
        wanted = self.path.partition("kind=")[2].partition("&")[0]
        jobs = [{"id": name, "kind": kind, "status": "queued"} for name, kind in JOBS if wanted in ("", kind)]
        first = next((i + 1 for i, job in enumerate(jobs) if job["id"] == after), 0)
        body = json.dumps({"data": jobs[first : first + 2], "has_more": first + 2 < len(jobs)}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    server = HTTPServer(("127.0.0.1", 0), Listing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with Client(f"http://127.0.0.1:{server.server_port}", "key") as client:
        yield client
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "job_id"),
    [
        (A, A),
        ("ftjob-a", A),
        ("abcd", A),
        ("eval", B),
        ("b", C),
        ("last", A),
        (f"ft:SmolLM2:demo:{A.removeprefix('ftjob-')}", A),
    ],
)
def test_a_beginning_of_one_job_is_that_job(client: Client, text: str, job_id: str) -> None:
    assert find_job(client, text) == job_id


def test_what_no_job_begins_with_is_refused_with_the_way_to_those_there_are(client: Client) -> None:
    with pytest.raises(RequestRefused) as caught:
        find_job(client, "ftjob-nothere")
    assert caught.value.lines() == [
        "There is no job whose id begins with 'ftjob-nothere'.",
        "List the jobs: ./tunedock jobs",
    ]


def test_the_last_of_a_kind_is_the_newest_of_that_kind(client: Client) -> None:
    assert find_job(client, "last", kind="evaluation") == B


@pytest.mark.parametrize(("text", "candidates"), [("abc", [A, B]), ("ftjob-", [A, C])])
def test_a_beginning_of_several_lists_them_whole(client: Client, text: str, candidates: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        find_job(client, text)
    assert [error.path for error in caught.value.errors] == candidates
    assert "2 jobs begin with" in caught.value.message


def test_an_empty_id_is_wrong_usage(client: Client) -> None:
    with pytest.raises(UsageError):
        find_job(client, "")
