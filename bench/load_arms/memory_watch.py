"""How much anonymous memory this process has, and had at most. Linux; elsewhere 0."""

import threading
from pathlib import Path

STATUS = Path("/proc/self/status")
LOOK_EVERY_SECONDS = 0.01


class MemoryWatch:
    """The highest anonymous memory while open, in bytes."""

    def __init__(self) -> None:
        self.before = self.peak = anonymous_bytes()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def growth_bytes(self) -> int:
        return self.peak - self.before

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS):
            self.peak = max(self.peak, anonymous_bytes())

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.peak = max(self.peak, anonymous_bytes())


def anonymous_bytes() -> int:
    if STATUS.is_file():
        for line in STATUS.read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0
