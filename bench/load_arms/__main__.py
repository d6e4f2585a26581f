"""Loads a model once, the arm's way, and prints what that took as one line of JSON.

Loaded is what lies in memory: the seconds end when every page of every weight was touched. Imports are not
counted, nor is dropping the files from the page cache, which whoever starts this does.
"""

import gc
import json
import sys
import time
from importlib import import_module
from pathlib import Path

from bench.load_arms.memory_watch import MemoryWatch

# Module and function of each arm; imported only when wanted, since peers live in environments of their own.
ARMS = {
    "hf-pickle-nf4": ("hf", "quantizing"),
    "hf-safetensors-nf4": ("hf", "quantizing"),
    "hf-artifact": ("hf", "prepared"),
    "ours-artifact": ("ours", "prepared"),
    "fastsafetensors": ("with_fastsafetensors", "load"),
    "runai": ("with_runai", "load"),
    "read-only": ("plain", "large_reads"),
    "prepare": ("ours", "prepare"),
}


def main(arm: str, model: Path, artifact: Path) -> None:
    module, function = ARMS[arm]
    load = getattr(import_module(f"bench.load_arms.{module}"), function)
    gc.collect()
    with MemoryWatch() as watch:
        started = time.perf_counter()
        loaded = load(model, artifact)
        loaded.touch()
        seconds = time.perf_counter() - started
    answer = {"seconds": seconds, "anonymous_growth_bytes": watch.growth_bytes}
    if loaded.again is not None:
        started = time.perf_counter()
        loaded.again()
        answer |= {"resident_seconds": time.perf_counter() - started}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
