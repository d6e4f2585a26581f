"""`doctor --repair`: store and disk compared, what is wrong said, and mended when the user agrees."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.asking import can_ask, says_yes
from services.cli.failure import CommandFailed
from services.cli.store_alone import ReachedStore, reached_store
from services.cli.store_check import mend_log, what_is_wrong
from services.cli.store_log import log_state
from services.cli.terminal import Terminal, Waiting
from shared.errors import StoreUnavailable
from shared.job_folder import jobs_folder
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.private_files import keep_private
from shared.repair.aside import Aside
from shared.repair.examine import Outcome, examine, mend
from shared.repair.scene import Scene
from shared.repair.trouble import Trouble
from shared.settings import Settings

SHOWN_NAMES = 10


@dataclass(frozen=True)
class Repair:
    """One call of the command."""

    data_dir: Path
    terminal: Terminal
    agreed: bool
    aside: Aside

    def run(self, settings: Settings) -> int:
        """0 when store and disk agree in the end, 1 when something is left."""
        try:
            with reached_store(settings, self.terminal, self._look_at_log) as reached:
                return self._compare(reached)
        except NotAgreed:
            return 1
        except StoreUnavailable as refusal:
            raise CommandFailed(refusal.said, say("repair-stop-first")) from refusal

    def _look_at_log(self, store_folder: Path) -> None:
        state = log_state(store_folder)
        if state.cut_bytes:
            self.terminal.note(say("log-is-torn", cut_bytes=state.cut_bytes))
        if state.is_whole:
            return
        wrong = what_is_wrong(state)
        for damage in wrong:
            self.terminal.say(damage)
        if not self._agreed(say("repair-log-question", folder=self.aside.folder)):
            self.terminal.emit({"log": [told(one) for one in wrong], "troubles": [], "set_aside": None})
            raise NotAgreed
        self.terminal.note(mend_log(state, store_folder, self.aside))

    def _compare(self, reached: ReachedStore) -> int:
        scene = Scene(reached.store, self.data_dir, self.aside, reached.is_running)
        with self.terminal.waiting(say("repair-looks-row")) as waiting:
            troubles = examine(scene, _reading(waiting))
        for line in trouble_lines(troubles):
            self.terminal.say(line)
        if not troubles:
            self.terminal.emit({"troubles": [], "set_aside": self._set_aside()})
            self.terminal.say(say("repair-agrees", jobs=_count(jobs_folder(self.data_dir))))
            return 0
        if not any(trouble.mend for trouble in troubles) or not self._agreed(
            say("repair-question", folder=self.aside.folder)
        ):
            only_told = [as_json(Outcome(one, None)) for one in troubles]
            self.terminal.emit({"troubles": only_told, "set_aside": self._set_aside()})
            return 1
        with self.terminal.waiting(say("repair-mending-now-row")):
            outcomes = list(mend(troubles))
        return self._tell(outcomes)

    def _tell(self, outcomes: list[Outcome]) -> int:
        terminal, aside = self.terminal, self._set_aside()
        terminal.emit({"troubles": [as_json(outcome) for outcome in outcomes], "set_aside": aside})
        terminal.say()
        terminal.say(say("repair-mended-row", count=sum(outcome.mended is True for outcome in outcomes)))
        if aside:
            terminal.say(say("repair-aside-row", folder=aside))
        left = [outcome for outcome in outcomes if not outcome.mended]
        for outcome in left:
            if outcome.mended is False:
                about, why = outcome.trouble.about, outcome.why or "none"
                terminal.note(say("repair-not-mended-row", name=about, why=why))
        if left:
            terminal.note(say("repair-again"))
        return 1 if left else 0

    def _agreed(self, question: Message) -> bool:
        if self.agreed:
            return True
        if not can_ask(self.terminal):
            self.terminal.note(say("repair-only-shown-row"))
            return False
        self.terminal.say()
        if says_yes(self.terminal, question):
            return True
        self.terminal.note(say("repair-nothing-changed-row"))
        return False

    def _set_aside(self) -> str | None:
        return str(self.aside.folder) if self.aside.is_used else None


class NotAgreed(Exception):
    """The user wants nothing changed."""


def run_repair(settings: Settings, terminal: Terminal, *, agreed: bool) -> int:
    """Compare the installation's store and disk, and mend what disagrees. Raises `CommandFailed`."""
    if not settings.data_dir.is_dir():
        terminal.emit({"troubles": [], "set_aside": None})
        terminal.say(say("repair-no-data", folder=settings.data_dir))
        return 0
    keep_private(settings.data_dir, terminal.note)
    return Repair(settings.data_dir, terminal, agreed, Aside.now(settings.data_dir)).run(settings)


def trouble_lines(troubles: Iterable[Trouble]) -> list[str]:
    """Troubles of one kind together: what is wrong, where, and what is done."""
    by_code: dict[str, list[Trouble]] = {}
    for trouble in troubles:
        by_code.setdefault(trouble.code, []).append(trouble)
    lines = []
    for code, found in by_code.items():
        lines.append(told(say("repair-found-row", code=code, count=len(found))))
        for one in found[:SHOWN_NAMES]:
            lines.append("  " + told(say("repair-name-row", name=one.about, why=one.why or "none")))
        if len(found) > SHOWN_NAMES:
            lines.append("  " + told(say("repair-more-row", count=len(found) - SHOWN_NAMES)))
        lines.append("  → " + told(say("repair-mends-row", code=code)))
    return lines


def as_json(outcome: Outcome) -> dict[str, Any]:
    """`mended` is null for what was only told."""
    trouble = outcome.trouble
    return {
        "code": trouble.code,
        "about": trouble.about,
        "detail": trouble.why or None,
        "message": told(say("repair-found-row", code=trouble.code, count=1)),
        "mending": told(say("repair-mends-row", code=trouble.code)),
        "mended": outcome.mended,
        "why": outcome.why or None,
    }


def _reading(waiting: Waiting) -> Callable[[int], None]:
    read = 0

    def on_read(piece_bytes: int) -> None:
        nonlocal read
        read += piece_bytes
        waiting.update(say("repair-read-row", read_bytes=read))

    return on_read


def _count(jobs: Path) -> int:
    return sum(1 for _ in jobs.glob("*/"))
