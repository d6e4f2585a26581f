"""One line about a job that runs, as long as the terminal is wide: what matters less gives way."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from services.cli.columns import cut

GAP = "  "


@dataclass(frozen=True)
class Part:
    """Those of a lower `rank` stay longer."""

    text: str
    rank: int


def fitted(parts: Sequence[Part], cells: int) -> str:
    """The parts that have room, in their order."""
    kept = [part for part in parts if part.text]
    while len(kept) > 1 and cells_of(kept) > cells:
        kept.remove(max(kept, key=lambda part: part.rank))
    return cut(GAP.join(part.text for part in kept), cells)


def bar(done: float, total: float | None, cells: int, *, is_plain: bool) -> str:
    """How much is done; nothing where the whole is not known. `is_plain`: of ASCII alone."""
    if not total:
        return ""
    full = round(min(1.0, max(0.0, done / total)) * cells)
    on, off = ("#", "-") if is_plain else ("━", "╌")
    return on * full + off * (cells - full)


def cells_of(parts: Sequence[Part]) -> int:
    """That all of them take in one line."""
    texts = [part.text for part in parts if part.text]
    return sum(map(cell_len, texts)) + len(GAP) * (len(texts) - 1)
