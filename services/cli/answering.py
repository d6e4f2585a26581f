"""Ends a part of the service that lives and answers nobody any more; its supervisor starts it again."""

from collections.abc import Callable

from services.cli.process import SupervisedProcess
from shared.messages.message import Message, say
from shared.silence import Silence
from shared.steady_thread import SteadyThread

PROBE_SECONDS = 5.0


class Answering:
    """Asks one part every five seconds, from a thread, and ends it after `hang_seconds` without an answer."""

    def __init__(
        self,
        process: SupervisedProcess,
        answers: Callable[[], bool],
        hang_seconds: float,
        tell: Callable[[Message], None],
    ) -> None:
        """`answers` takes a few seconds at most; an answer that is a refusal counts, too."""
        self._process, self._answers, self._hang_seconds, self._tell = process, answers, hang_seconds, tell
        self._silence = Silence(PROBE_SECONDS)
        self._count = 0
        self._thread = SteadyThread(f"probe-{process.spec.name}", self._look)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is ended any more: the parts stop in their order now."""
        self._thread.stop()

    def _look(self) -> float:
        if self._answers():
            self._count += 1
        seconds = self._silence.after((self._process.pid, self._count))
        if seconds > self._hang_seconds and self._process.pid is not None:
            self._tell(say("part-hangs", part=self._process.spec.name, silent_seconds=round(seconds)))
            self._process.end_hung()
        return PROBE_SECONDS
