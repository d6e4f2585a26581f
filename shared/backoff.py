"""How long to wait before a process that died is started again."""

from dataclasses import dataclass

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class Backoff:
    """Doubles from half a second to thirty; a process that lived for a minute begins anew."""

    deaths_in_a_row: int = 0

    def after_death(self, lived_seconds: float) -> "Backoff":
        if lived_seconds >= HEALTHY_AFTER_SECONDS:
            return Backoff(1)
        return Backoff(self.deaths_in_a_row + 1)

    @property
    def wait_seconds(self) -> float:
        """Time to wait after the latest death."""
        doublings = min(max(0, self.deaths_in_a_row - 1), 10)
        return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**doublings)
