"""A row of numbers as a line of small bars, as Tufte's sparklines."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], cells: int) -> str:
    """At most `cells` bars from the lowest to the highest; of more values each bar is the mean of some.

    Values that are no numbers are left out; of fewer than two there is nothing to see.
    """
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2 or cells < 2:
        return ""
    count = min(cells, len(known))
    edges = [len(known) * number // count for number in range(count + 1)]
    means = [fmean(known[begin:end]) for begin, end in pairwise(edges)]
    low, high = min(means), max(means)
    span = high - low or 1.0
    return "".join(BARS[round((mean - low) / span * (len(BARS) - 1))] for mean in means)
