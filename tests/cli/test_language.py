"""The command speaks the language of its reader, and asks the service to."""

import argparse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from services.cli.client import Client
from services.cli.failure import UsageError
from services.cli.language import language_of
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.removal import _show
from services.cli.submit import one_source
from services.cli.terminal import Terminal
from shared.messages.catalog import add_language
from shared.messages.render import reader_of
from shared.schemas import JobRecord
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language
from tests.stored_samples import stored


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    add_language(LANGUAGE, made_up_language())
    yield
    add_language(LANGUAGE, "")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": f"{LANGUAGE}_KR.UTF-8"}, LANGUAGE),
        ({"LANG": "en_US.UTF-8", "LC_ALL": LANGUAGE}, LANGUAGE),
        ({"LANG": f"{LANGUAGE}@euro", "LC_MESSAGES": "C"}, "en"),
        ({"LANG": "xx_XX"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_environment_s_where_there_are_messages_in_it(
    environment: dict[str, str], language: str
) -> None:
    assert language_of(environment) == language


def test_the_service_is_asked_for_the_reader_s_language() -> None:
    asked: list[str | None] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Accept-Language"])
            self.send_response(404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with reader_of(LANGUAGE), Client(f"http://127.0.0.1:{server.server_port}", "key") as client:
            client._http.get("/v1/models")
        server.shutdown()
    assert asked == [LANGUAGE]


@pytest.mark.parametrize("name", ["fine_tuning_record", "evaluation_record"])
def test_of_what_a_job_came_to_only_values_and_commands_are_left(name: str) -> None:
    record = stored(name)
    with reader_of(LANGUAGE):
        text = outcome_text(JobRecord.model_validate(record), Place(data_dir=None))
    lines = [left_over(line) for line in text.splitlines() if "./tunedock" not in line]
    left = {word for line in lines for word in line.split() if word.isalpha() and len(word) > 2}
    assert left <= {"min", "spam", "ham"}, text


def test_what_is_wrong_with_a_command_is_said_in_the_reader_s_language() -> None:
    both = argparse.Namespace(command="train", training_file="a", dataset="b")
    with reader_of(LANGUAGE), pytest.raises(UsageError) as refused:
        one_source(both, "training_file", "FILE")
    assert [left_over(line) for line in refused.value.lines()] == ["Train  FILE  .", "train"]


def test_deleting_asks_and_tells_in_the_reader_s_language(capsys: pytest.CaptureFixture[str]) -> None:
    pruned = {"data": [], "refused": [{"id": "ftjob-1", "why": "x"}], "bytes": 0}
    with reader_of(LANGUAGE):
        _show(pruned, Terminal(), done=True)
    told = capsys.readouterr()
    assert left_over(told.err) == "ftjob-1  x"
    assert left_over(told.out) == ""
