"""A card over a stretch of work: its clock against its own start, who else is on it, what it spilled."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import pynvml
import torch

from services.worker.machine.card import THROTTLE_BITS, Card, CardState

logger = logging.getLogger(__name__)

# Of the driver and its libraries in this process, beside torch's allocator; under WSL2 as much as this.
CONTEXT_BYTES = 1_310_000_000


@dataclass(frozen=True)
class CardLook:
    """One look: the card, and the bytes that torch's allocator holds of it."""

    card: CardState
    reserved_bytes: int = 0

    @property
    def spilled_bytes(self) -> int:
        """What the allocator holds beyond the memory that is used of the card: it lies in main memory."""
        used = self.card.used_bytes
        return 0 if used is None else max(0, self.reserved_bytes - used)

    @property
    def others_bytes(self) -> int | None:
        """As the driver lists them; else what of the used memory can't be this process's."""
        if self.card.others_bytes is not None:
            return self.card.others_bytes
        used = self.card.used_bytes
        return None if used is None else max(0, used - self.reserved_bytes - CONTEXT_BYTES)


class CardWatch:
    """Looks at a card whenever it is told to; between looks it costs nothing."""

    def __init__(self, look: Callable[[], CardLook | None]) -> None:
        self._look = look
        self.looks: list[CardLook] = []
        self.look()

    @classmethod
    def of(cls, device: torch.device) -> "CardWatch":
        """Of the card that `device` is; of a processor, or without NVML, it sees nothing."""
        return cls(look_at(device))

    def look(self) -> None:
        if (seen := self._look()) is not None:
            self.looks.append(seen)

    @property
    def working(self) -> Sequence[CardLook]:
        """Looks at a card that had work: an idle one lowers its clock by itself."""
        return [look for look in self.looks if not look.card.idle and look.card.clock_hertz]

    @property
    def clock_start_hertz(self) -> float | None:
        return self.working[0].card.clock_hertz if self.working else None

    @property
    def clock_hertz(self) -> float | None:
        """The median of the later half of the looks."""
        return median(look.card.clock_hertz or 0.0 for look in self._later) if self._later else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """What slowed the card in at least half of the later looks."""
        later = self._later
        return tuple(
            reason
            for reason in THROTTLE_BITS
            if later and sum(reason in (look.card.reasons or ()) for look in later) >= len(later) / 2
        )

    @property
    def _later(self) -> Sequence[CardLook]:
        return self.working[len(self.working) // 2 :]


def look_at(device: torch.device) -> Callable[[], CardLook | None]:
    if device.type != "cuda":
        return lambda: None
    try:
        card = Card(uuid=str(torch.cuda.get_device_properties(device).uuid))
    except (pynvml.NVMLError, AttributeError) as error:
        logger.info("no NVML for %s (%s): its clock and its other processes are not known", device, error)
        return lambda: None
    return lambda: CardLook(card.read(), torch.cuda.memory_reserved(device))
