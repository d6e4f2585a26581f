"""How full the card's memory is, as the worker's beat tells it to the page."""

from functools import cached_property

import pynvml

from services.worker.machine.card import Card


class CardMemory:
    """Of the first card that the driver shows; its figures are asked for anew each time."""

    def fields(self) -> dict[str, str]:
        """Whole bytes by name; none without a card, or where its driver does not tell."""
        if self._card is None:
            return {}
        state = self._card.read()
        known = {"card_used_bytes": state.used_bytes, "card_total_bytes": state.memory_bytes}
        return {name: str(count) for name, count in known.items() if count is not None}

    @cached_property
    def _card(self) -> Card | None:
        try:
            return Card()
        except pynvml.NVMLError:
            return None
