"""`bench`: repeats the published numbers on this machine."""

import subprocess
import sys

from shared.settings import PROJECT_ROOT

BENCHES = ("load", "train")


def bench(arguments: list[str]) -> int:
    """Run one benchmark in a process of its own, with its own options; its exit code, 2 on wrong usage."""
    if not arguments or arguments[0] not in BENCHES:
        seen = " ".join(arguments) or "nothing"
        print(f"usage: ./tunedock bench {'|'.join(BENCHES)} [OPTIONS] (saw {seen})", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", f"bench.{arguments[0]}", *arguments[1:]]
    with subprocess.Popen(command, cwd=PROJECT_ROOT) as benchmark:
        while True:
            try:
                code = benchmark.wait()
            except KeyboardInterrupt:
                continue  # the benchmark got it too, and tidies up
            return code if code >= 0 else 128 - code  # as a shell reports a signal
