"""A process's log on a disk that takes nothing: lines are lost and told so, and later ones are kept."""

from contextlib import suppress
from pathlib import Path

from services.cli.process_log import ProcessLog
from shared.messages.message import Message
from shared.messages.render import told


def test_a_full_disk_costs_lines_and_says_so_once(tmp_path: Path) -> None:
    path, news = tmp_path / "part.log", list[Message]()
    log = ProcessLog(path, news.append)
    log.keep("first")
    log.close()
    path.rename(tmp_path / "before.log")
    path.symlink_to("/dev/full")
    log.keep("second")
    log.keep("third")
    assert [message.message_id for message in news] == ["log-loses-lines"]
    assert "No space left" in told(news[0])
    path.unlink()
    with suppress(OSError):
        log.close()
    log.keep("fourth")
    assert [message.message_id for message in news] == ["log-loses-lines", "log-takes-lines-again"]
    assert path.read_text().endswith("fourth\n")
    log.close()
