"""`bench`: repeats the published numbers on this machine."""

import os
import sys

from services.cli.command_parser import meant
from shared.messages.message import say
from shared.messages.render import told

BENCHES = ("load", "train", "factors", "plans", "predictions", "reporting_cost", "submits", "listeners")


def bench(arguments: list[str]) -> int:
    """Become one benchmark, with its own options; only wrong usage returns, with exit code 2.

    Nobody stands between it and Ctrl-C, after which it has disks to take away.
    """
    if not arguments or arguments[0] not in BENCHES:
        asked = [say("name-benchmark", names=BENCHES)]
        if arguments:
            asked = [
                say("no-such-benchmark", name=repr(arguments[0]), names=BENCHES),
                *meant(arguments[0], BENCHES),
            ]
        print(*map(told, [*asked, say("see-bench-help-row", name=BENCHES[0])]), sep="\n", file=sys.stderr)
        return 2
    os.execv(sys.executable, [sys.executable, "-m", f"bench.{arguments[0]}", *arguments[1:]])
