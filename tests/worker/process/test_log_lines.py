"""The worker's log lines."""

import logging
import sys

from services.worker.process.log_lines import FORMAT, LineFormatter


def test_what_a_file_or_request_wrote_is_escaped_and_stays_one_line() -> None:
    record = logging.makeLogRecord({"msg": "label %r is %s", "args": ("a", "\x1b[31mRED\nfake\x9b\u202e")})
    line = LineFormatter(FORMAT).format(record)
    assert line.isprintable()
    assert line.endswith("is \\u001b[31mRED\\nfake\\u009b\\u202e")


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    text = LineFormatter(FORMAT).format(record)
    assert len(text.splitlines()) > 3
    assert "\x1b" not in text
