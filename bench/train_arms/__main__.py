"""`python -m bench.train_arms JOB_FILE`: runs one arm; orders come on stdin, answers go to stdout."""

import importlib
import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path

# Module and function of each arm; imported only when wanted, since peers live in environments of their own.
ARMS = {
    "hf-user": ("hf", "user"),
    "hf-grouped": ("hf", "grouped"),
    "hf-common": ("hf_factors", "one_factor"),
    "hf-longest": ("hf_factors", "one_factor"),
    "hf-no-checkpointing": ("hf_factors", "one_factor"),
    "hf-4-rows": ("hf_factors", "one_factor"),
    "trl-best": ("trl", "best"),
    "trl-grouped": ("trl", "by_length"),
    "trl-flat": ("trl", "flat"),
    "llamafactory": ("llamafactory", "packed"),
    "axolotl": ("axolotl", "packed"),
    "unsloth": ("unsloth", "best"),
}


def main(job_file: Path) -> None:
    # Libraries print as they like: what they say goes to stderr, and stdout stays ours.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    hide_folders_that_look_like_packages()
    hide_what_breaks_on_import()
    from bench.train_arms.job import TrainJob
    from bench.train_arms.turns import Turns, TurnsOver

    job = TrainJob.read(job_file)
    if job.memory_cap_bytes is not None:
        cap_card_memory(job.memory_cap_bytes)
    module, function = ARMS.get(job.arm, ("ours", "ours"))
    with suppress(TurnsOver):
        getattr(importlib.import_module(f"bench.train_arms.{module}"), function)(
            job, Turns(sys.stdin, answers)
        )
    sys.stderr.flush()
    os._exit(0)  # some libraries would now save, log and report


def hide_folders_that_look_like_packages() -> None:
    """Our folder datasets/ must not pass for the library of that name where that is not installed."""
    spec = importlib.util.find_spec("datasets")
    if spec is not None and spec.origin is None:
        sys.modules["datasets"] = None  # type: ignore[assignment]  # makes `import datasets` an ImportError


def hide_what_breaks_on_import() -> None:
    """torchvision's ordinary build fails beside torch's CPU build, and takes transformers along."""
    if importlib.util.find_spec("torchvision") is not None:
        try:
            importlib.import_module("torchvision")
        except (RuntimeError, ImportError, OSError):
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
                del sys.modules[name]
            sys.modules["torchvision"] = None  # type: ignore[assignment]


def cap_card_memory(cap_bytes: int) -> None:
    """Beyond it PyTorch raises, as on a card of that size; the context of CUDA itself is not counted."""
    import torch

    torch.cuda.set_per_process_memory_fraction(cap_bytes / torch.cuda.mem_get_info()[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
