"""Keeps processes running: starts what died again, and stops everything in order."""

import time
from collections.abc import Callable, Sequence

from services.cli.process import SupervisedProcess
from shared.messages.message import Message, say

POLL_SECONDS = 0.1


class Supervisor:
    """Processes in the order they are started; they are stopped the other way round.

    Everything happens in `tick`, called from the main thread; `on_death` hears of each unexpected end.
    """

    def __init__(
        self,
        processes: Sequence[SupervisedProcess],
        on_death: Callable[[SupervisedProcess], None],
    ) -> None:
        self.processes = {process.spec.name: process for process in processes}
        self._on_death = on_death

    def start(self, name: str) -> None:
        self.processes[name].start()

    def tick(self) -> bool:
        """Look at every process once; True if one died or was started again."""
        changed = False
        for process in self.processes.values():
            if process.died():
                self._on_death(process)
                changed = True
            changed = process.restart_if_due() or changed
        return changed

    def stop(self, tell: Callable[[Message], None], hurry: Callable[[], bool]) -> None:
        """Stop all, last started first, each within its `stop_seconds`; `hurry` says to wait no longer."""
        for process in self.processes.values():
            process.start_again_at = None
        for name, process in reversed(self.processes.items()):
            if process.gone():
                continue
            tell(say("stopping-process-row", process=name))
            process.ask_to_stop()
            if not self._wait(process, hurry):
                tell(say("killing-process-row", process=name))
                process.kill()
                while not process.gone():
                    time.sleep(POLL_SECONDS)

    def _wait(self, process: SupervisedProcess, hurry: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + process.spec.stop_seconds
        while not process.gone():
            if time.monotonic() > deadline or hurry():
                return False
            time.sleep(POLL_SECONDS)
        return True
