"""Lines of an outcome: names and values in two columns, tables of words, commands with what they are for."""

from collections.abc import Sequence

from rich.cells import cell_len

from shared.messages.message import Message, say
from shared.messages.render import shown

Said = str | Message


def pairs(rows: Sequence[tuple[Said, Said]]) -> list[str]:
    """Name and value on a line, values in one column; rows without a value are left out."""
    told = [(shown(name), shown(value)) for name, value in rows if value]
    width = max((cell_len(name) for name, _ in told), default=0)
    return [f"  {name}{' ' * (width - cell_len(name))}  {value}" for name, value in told]


def grid(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  " + row[0] + " " * (widths[0] - cell_len(row[0])) + "".join(
            "  " + " " * (width - cell_len(cell)) + cell
            for cell, width in zip(row[1:], widths[1:], strict=True)
        )
        for row in rows
    ]  # fmt: skip


def next_steps(steps: Sequence[tuple[Said, str]]) -> list[str]:
    """What to do next: what it is for, and below it the command, whole on its line for pasting."""
    lines = ["", shown(say("next-label"))]
    for purpose, command in steps:
        lines += [f"  {shown(purpose)}", f"    {command}"]
    return lines


def seconds(value: float) -> str:
    """Seconds of one step: `0.037`, `3.2`."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
