"""How long to wait before a process that died is started again."""

from dataclasses import dataclass

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 10.0  # as container engines have it


@dataclass(frozen=True)
class Backoff:
    """None after a life of ten seconds, else half a second, doubled with each death in a row, to thirty."""

    deaths_in_a_row: int = 0  # early ones

    def after_death(self, lived_seconds: float) -> "Backoff":
        if lived_seconds >= HEALTHY_AFTER_SECONDS:
            return Backoff()
        return Backoff(self.deaths_in_a_row + 1)

    @property
    def wait_seconds(self) -> float:
        """Time to wait after the latest death."""
        if not self.deaths_in_a_row:
            return 0.0
        return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.deaths_in_a_row - 1, 10))
