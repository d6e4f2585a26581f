"""What `bench load` says at its end: a table for people, and what the rows don't tell."""

from typing import Any

from bench.load_measure import Measuring
from bench.load_turns import Turn


def table(document: dict[str, Any]) -> str:
    """One row an arm and disk: median, spread, repeats, and how many times the limit."""
    rows = {(row["arm"], row["case"], row["metric"]): row for row in document["rows"]}
    heading = ("seconds", "min", "max", "repeats", "limit", "× limit")
    lines = ["", f"{'disk':16} {'arm':20}" + "".join(f" {word:>8}" for word in heading)]
    for (arm, case, metric), row in rows.items():
        if metric != "seconds":
            continue
        limit = rows.get((arm, case, "limit_seconds"), {}).get("median")
        cells = [f"{row[key]:.4g}" for key in ("median", "min", "max", "repeats")]
        cells += [f"{limit:.4g}", f"{row['median'] / limit:.2f}"] if limit else ["-", "-"]
        lines.append(f"{case:16} {arm:20}" + "".join(f" {cell:>8}" for cell in cells))
    return "\n".join([*lines, *document["notes"], f"{document['seconds']:.0f} s in all"])


def shortfalls(order: list[Turn], measuring: Measuring, minutes: int) -> list[str]:
    """Which arms failed and why, which got fewer repeats than planned, and what they took in memory."""
    said = [f"{arm} failed: {reason}" for arm, reason in measuring.failures.items()]
    planned: dict[tuple[str, str], int] = {}
    for turn in order:
        for arm in turn.arms:
            planned[arm, turn.case.name] = planned.get((arm, turn.case.name), 0) + 1
    for (arm, case), count in planned.items():
        got = len(measuring.samples.values.get((arm, case, "seconds"), []))
        if got < count and arm not in measuring.failures:
            said.append(f"{case} {arm}: {got} of {count} repeats, more do not fit into {minutes} minutes")
    grown = {arm: size for arm, size in measuring.anonymous_bytes.items() if arm != "read-only"}
    if grown:
        most = ", ".join(f"{arm} {size / 1e6:.0f} MB" for arm, size in grown.items())
        said.append(f"anonymous memory grew by at most: {most}")
    return said
