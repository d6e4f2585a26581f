"""Times as the command shows them."""

import time


def clock(seconds: float) -> str:
    """Local time; a dash where the API knows none, as for models of the hub."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"
