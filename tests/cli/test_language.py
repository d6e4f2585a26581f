"""The command speaks the language of its reader, and asks the service to."""

import argparse
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from services.cli.__main__ import command_parser, main
from services.cli.bench import BENCHES
from services.cli.client import Client
from services.cli.doctor.checks import examine
from services.cli.doctor.checks.engine import REFUSAL
from services.cli.doctor.command import report_lines
from services.cli.doctor.facts import (
    ApiFacts,
    Card,
    CardFacts,
    EngineFacts,
    Missing,
    PowerFacts,
    StoreFacts,
    WorkerState,
)
from services.cli.failure import RequestRefused, UsageError
from services.cli.language import language_of
from services.cli.outcome.outcome import Place, outcome_text
from services.cli.removal import _show
from services.cli.submit import one_source
from services.cli.terminal import Terminal
from shared.messages.catalog import add_language
from shared.messages.message import say
from shared.messages.render import reader_of, set_process_reader, told
from shared.schemas.records import JobRecord
from tests.cli.doctor_facts import healthy, on_wsl
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
        with (
            reader_of(LANGUAGE),
            Client(f"http://127.0.0.1:{server.server_port}", "key") as client,
            pytest.raises(RequestRefused),
        ):
            client.models()
        server.shutdown()
    assert asked == [LANGUAGE]


def test_every_thread_of_the_command_speaks_the_reader_s_language() -> None:
    heard: list[str] = []
    set_process_reader(LANGUAGE)
    try:
        thread = Thread(target=lambda: heard.append(told(say("answers-again-row"))))
        thread.start()
        thread.join()
    finally:
        set_process_reader("en")
    assert [left_over(sentence) for sentence in heard] == [""]


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
    with reader_of(LANGUAGE):
        with pytest.raises(UsageError) as refused:
            one_source(both, "training_file", "FILE")
        assert [left_over(line) for line in refused.value.lines()] == ["train  FILE", "train"]


def words(text: str) -> set[str]:
    """What looks like a word outside the brackets, values and all."""
    return set(re.findall(r"[^\W\d_]{3,}", left_over(text)))


@pytest.mark.parametrize(
    ("called", "values"),
    [
        ("jbos", {"jbos", "jobs"}),
        ("jobs --limit many", {"tunedock", "jobs", "limit", "many"}),
        ("jobs --limit 3 --all", {"tunedock", "jobs", "limit", "all"}),
        ("report x --html", {"tunedock", "report", "html"}),
        ("download", {"tunedock", "download", "DIR", "kaj"}),
        ("jobs --sttaus x", {"tunedock", "jobs", "sttaus", "status"}),
        ("train nothing.csv", {"tunedock", "train", "FILE", "nothing", "csv"}),
        ("diagnose --set a=b", {"set"}),
        ("train --dataset x --epochs 0", {"epochs"}),
        ("explain -- sh", {"tunedock", "probe"}),
        ("bench nothing", {"nothing", "kaj", *re.findall("[a-z]+", " ".join(BENCHES))}),
        ("check all", {"all"}),
    ],
)
def test_of_a_wrong_call_only_its_own_words_are_left(
    called: str, values: set[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", LANGUAGE)
    with reader_of(LANGUAGE):  # as it was, afterwards
        assert main(called.split()) == 2
    told = capsys.readouterr().err
    assert words(told) <= values, told
    assert "⟪" in told


# A card's name, the engine's own words and a command; `kaj` and `aŭ` join lists.
VALUES = re.compile(rf"NVIDIA GeForce|{re.escape(REFUSAL)}|docker compose logs worker|\b(?:kaj|aŭ)\b")


def sentences_left(text: str) -> list[str]:
    """Lines with two words that follow each other outside the brackets."""
    lines = VALUES.sub("|", re.sub(r"⟪[^⟫]*⟫", "|", text)).splitlines()
    return [line for line in lines if re.search("[a-z]{2,} [a-z]{2,}", line)]


def test_of_the_help_of_every_command_no_sentence_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    with reader_of(LANGUAGE):
        parser = command_parser()
        helps = [one.format_help() for one in (parser, *parser.commands.values())]
    assert all(text.count("⟪") > 2 for text in helps)
    called = re.compile(r"(?<=\./tunedock) \w+")
    assert [line for text in helps for line in sentences_left(called.sub("", text))] == []
    assert not {"usage", "options", "default"} & {word for text in helps for word in words(text)}


AWAY = ApiFacts(url="http://x:1", answers=True, missing=(Missing(path="store", message="?"),))
MACHINES = {
    "healthy": healthy(),
    "wsl": on_wsl(memory_bytes=8 * 10**9),
    "no service": healthy(api=ApiFacts(url="http://x:1"), stack_here=False, card=CardFacts()),
    "a card is wanted": healthy(wanted_device="cuda", card=CardFacts(on_pci_bus=True), api=AWAY),
    "an old card": healthy(card=CardFacts(cards=(Card(name="GTX", driver="450.1", compute_capability=6.1),))),
    "containers": healthy(container=True, store=StoreFacts(embedded=False, state="silent", address="db:1")),
    "no password": healthy(store=StoreFacts(embedded=False, state="wrong-password", address="db:1")),
    "an engine": healthy(engine=EngineFacts(path="/docker", version="28", runtimes=("runc",))),
    "no engine": healthy(engine=EngineFacts(path="/docker", problem="?")),
    "a full disk": healthy(min_free_bytes=10**15, power=PowerFacts(on_battery=True)),
    "a worker": healthy(worker=WorkerState(age_seconds=7300), api=ApiFacts(url="http://x:1")),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_of_what_the_doctor_finds_no_sentence_is_left(machine: str) -> None:
    with reader_of(LANGUAGE):
        lines = report_lines(examine(MACHINES[machine]))
    assert sentences_left("\n".join(lines)) == []
    assert not {"error", "warning", "unknown"} & {word for line in lines for word in words(line)}


def test_deleting_asks_and_tells_in_the_reader_s_language(capsys: pytest.CaptureFixture[str]) -> None:
    pruned = {"data": [], "refused": [{"id": "ftjob-1", "why": "x"}], "bytes": 0}
    with reader_of(LANGUAGE):
        _show(pruned, Terminal(), done=True)
    told = capsys.readouterr()
    assert left_over(told.err) == "ftjob-1  x"
    assert left_over(told.out) == ""
