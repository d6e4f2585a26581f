"""Log lines: JSON, one a line, without keys and without characters that steer a terminal."""

import json
import logging
from urllib.parse import quote

import pytest

from services.api.auth import new_key
from services.api.logs import JsonFormatter
from tests.api.conftest import Api

STEERING = "\x1b[31mRED\nfake\r\x7f\x9b2J\u202e\u2028\udcff"


def formatted(record: logging.LogRecord) -> str:
    return JsonFormatter().format(record)


def test_what_a_sender_wrote_is_escaped_and_stays_one_line() -> None:
    record = logging.makeLogRecord({"msg": STEERING, "fields": {"path": STEERING}})
    line = formatted(record)
    assert line.isprintable()
    entry = json.loads(line)
    assert entry["message"] == entry["path"] == STEERING


def test_a_key_in_a_line_is_blotted_out() -> None:
    key = new_key()
    assert key not in formatted(logging.makeLogRecord({"msg": f"key {key}"}))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_page_with_control_characters_is_logged_with_escapes(
    api: Api, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    caplog.set_level(logging.INFO, "tunedock.access")
    api.client.open("/v1/" + quote("\x1b[31mRED\nfake\u202e"), method=method)  # without a key
    [record] = [record for record in caplog.records if record.name == "tunedock.access"]
    assert formatted(record).isprintable()
    assert json.loads(formatted(record))["path"] == "/v1/\x1b[31mRED\nfake\u202e"
