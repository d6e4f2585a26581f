"""What reaches the terminal: shown, never obeyed."""

import json
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TextIO

import pytest

from services.cli.terminal import LastingTerminal, Terminal


def test_control_characters_of_a_server_are_shown_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.say("\x1b]0;title\x07 done")
    terminal.note("\x1b[2J gone")
    terminal.table(("id",), [("a\x1bb\nc",)], keep=())
    with terminal.waiting("wait\x1b[1m"):
        pass
    seen = capsys.readouterr()
    assert "\x1b" not in seen.out + seen.err
    assert "\x07" not in seen.out + seen.err
    assert r"\u001b]0;title\u0007 done" in seen.out
    assert r"a\u001bb c" in seen.out.splitlines()


def test_json_is_the_same_value_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "한국어 \x1b[31m \x9b2J \x7f \u2028"}
    Terminal(as_json=True).emit(value)
    line = capsys.readouterr().out
    assert json.loads(line) == value
    assert not [character for character in line if character in "\x1b\x9b\x7f\u2028"]
    assert "한국어" in line


def test_a_table_that_is_no_terminal_s_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().table(("id", "progress"), [("i" * 60, "p" * 60)], keep=("progress",))
    assert capsys.readouterr().out == f"ID\tPROGRESS\n{'i' * 60}\t{'p' * 60}\n"


def close(full: TextIO) -> None:
    """What it still holds can't be written."""
    with suppress(OSError):
        full.close()


def test_who_must_go_on_is_not_ended_by_a_full_disk_that_takes_no_line(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        full = Path("/dev/full").open("w")  # noqa: SIM115
        request.addfinalizer(partial(close, full))
        monkeypatch.setattr(sys, name, full)
    with pytest.raises(OSError, match="No space"):
        Terminal().note("stopping")
    for as_json in (True, False):
        terminal = LastingTerminal.of(Terminal(as_json=as_json))
        assert terminal.as_json == as_json
        terminal.note("stopping")
        terminal.say("stopped")
        terminal.emit({"event": "stopped"})
        with terminal.waiting("waiting") as waiting:
            waiting.update("still waiting")
