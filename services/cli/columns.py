"""Tables that fit a terminal: the first column stays whole, others give way, wide characters count two."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

GAP = 2
NARROWEST = 12  # the last column is cut down to this before another column goes
CUT = "…"


def fit(table: Sequence[Sequence[str]], *, keep: Sequence[str], width: int) -> list[str]:
    """Lines of `table`, whose first row are the headings, on `width` terminal cells.

    The first column is never cut, since it is what gets copied. The last one is cut with an ellipsis; then
    columns go, beginning with the last that `keep` names.
    """
    columns = [*zip(*table, strict=True)]
    dispensable = [heading for heading in keep if heading != columns[0][0]]
    while len(columns) > 1 and dispensable and _narrowest(columns) > width:
        goes = dispensable.pop()
        columns = [column for column in columns if column[0] != goes]
    widths = [_widest(column) for column in columns]
    room = width - sum(widths[:-1]) - GAP * (len(widths) - 1)
    if len(columns) > 1 and 0 < room < widths[-1]:
        widths[-1] = room
    return [_line(cells, widths) for cells in zip(*columns, strict=True)]


def cut(text: str, cells: int) -> str:
    """`text` on at most so many cells; an ellipsis stands for what is missing."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + CUT


def _narrowest(columns: Sequence[Sequence[str]]) -> int:
    """Cells that these columns need at least."""
    *whole, last = [_widest(column) for column in columns]
    return sum(whole) + min(last, NARROWEST) + GAP * len(whole)


def _widest(column: Sequence[str]) -> int:
    return max(cell_len(text) for text in column)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        text + " " * (wide - cell_len(text))
        for text, wide in zip((cut(text, wide) for text, wide in zip(cells, widths, strict=True)), widths,
                              strict=True)
    ]  # fmt: skip
    return (" " * GAP).join(padded).rstrip()
