"""`bench`: repeats the published numbers on this machine."""

import os
import sys

BENCHES = ("load", "train", "factors", "plans", "predictions", "reporting_cost")


def bench(arguments: list[str]) -> int:
    """Become one benchmark, with its own options; only wrong usage returns, with exit code 2.

    Nobody stands between it and Ctrl-C, after which it has disks to take away.
    """
    if not arguments or arguments[0] not in BENCHES:
        asked = f"There is no benchmark {arguments[0]!r}." if arguments else "Name a benchmark."
        print(
            f"{asked} There are: {', '.join(BENCHES)}.\nSee: ./tunedock bench {BENCHES[0]} --help",
            file=sys.stderr,
        )
        return 2
    os.execv(sys.executable, [sys.executable, "-m", f"bench.{arguments[0]}", *arguments[1:]])
