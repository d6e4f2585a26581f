"""What of a process's output is kept and what is shown."""

import json

import pytest

from services.api.auth import new_key
from services.cli.log_lines import log_line, terminal_line


def test_a_key_never_reaches_a_log() -> None:
    key = new_key()
    assert key not in log_line(f"made an API key: {key}\n".encode())
    assert "td_" in log_line(f"made an API key: {key}\n".encode())


def test_of_a_redrawn_bar_the_last_state_is_kept() -> None:
    assert log_line(b"\rLoading 0%\rLoading 100%\n") == "Loading 100%"


def test_bytes_that_are_no_text_are_kept_as_they_can() -> None:
    assert log_line(b"\xff100%s\n") == "�100%s"


def test_nothing_that_a_sender_wrote_steers_a_terminal_or_makes_a_line() -> None:
    path = "/v1/\x1b[31mRED\nfake\x9b2J\u202e"
    for raw in (json.dumps({"path": path}, ensure_ascii=False), json.dumps({"path": path}), path):
        kept = log_line(raw.replace("\n", " ").encode())
        assert not any(sign in kept for sign in "\x1b\x9b\u202e")
    line = access(method="GET", path=path, status=404)
    assert terminal_line("api", line) == "api    │ GET /v1/\\u001b[31mRED\\nfake\\u009b2J\\u202e → 404"


def access(**fields: object) -> str:
    return json.dumps({"level": "info", "logger": "tunedock.access", "message": "request"} | fields)


@pytest.mark.parametrize(
    ("name", "line", "shown"),
    [
        ("store", "Ready to accept connections", None),
        ("worker", "", None),
        ("api", "td_kS1LU89s_…", None),  # `up` shows a new key itself, whole
        ("worker", "worker@vm ready.", "worker │ worker@vm ready."),
        ("worker", "2026-01-01 10:00:00,000 INFO MainProcess celery.worker.strategy: Task received", None),
        (
            "worker",
            "2026-01-01 10:00:00,000 ERROR MainProcess celery.worker: no broker",
            "worker │ 2026-01-01 10:00:00,000 ERROR MainProcess celery.worker: no broker",
        ),
        ("api", json.dumps({"level": "info", "message": "listening"}), "api    │ listening"),
        ("api", json.dumps({"level": "error", "message": "no store"}), "api    │ error: no store"),
        ("api", access(method="GET", path="/v1/jobs", status=200), None),
        ("api", access(method="GET", path="/v1/jobs", status=503), "api    │ GET /v1/jobs → 503"),
        ("api", access(method="GET", path="/readyz", status=503), None),
        ("api", access(method="POST", path="/v1/jobs", status=202), "api    │ POST /v1/jobs → 202"),
        ("api", access(message="request refused", status=400), "api    │ request refused → 400"),
        ("api", access(message="stream ended", events=2, seconds=1.7), None),
        ("api", "[1, 2]", "api    │ [1, 2]"),
    ],
)
def test_the_terminal_shows_what_a_person_wants_to_see(name: str, line: str, shown: str | None) -> None:
    assert terminal_line(name, line) == shown
