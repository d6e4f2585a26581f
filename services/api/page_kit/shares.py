"""Numbers as a page writes them beside a picture."""


def in_hundred(share: float) -> str:
    """A share of 1: 87%, 0.4%."""
    return f"{share:.0%}" if share == 0 or abs(share) >= 0.01 else f"{share:.1%}"


def compact(value: float) -> str:
    """For an axis: 0.5, 200, 20k, 3M."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:g}"


def times(ratio: float) -> str:
    return f"×{ratio:.2f}"
