"""Loads a model once, the arm's way, and prints what that took as one line of JSON.

Loaded is what lies in memory: on a CPU transformers may leave weights in the mapped file until they are used,
so each arm's seconds end when every page of every weight was touched. Imports are not counted.
"""

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.models.llama import modeling_llama
from transformers.utils import logging as transformers_logging

from services.worker.loading import nf4
from services.worker.loading.cached_pages import cached_pages, make_cold
from services.worker.loading.hub_cache import ModelFiles
from services.worker.loading.nf4_artifact import find_nf4, nf4_folder
from services.worker.report import SilentReport
from services.worker.residency import DTYPE, Residency

CPU = torch.device("cpu")
PAGE_BYTES = 4096
READ_BYTES = 16 * 1024**2


def hf_quantizing(model: Path, artifacts: Path) -> torch.nn.Module:
    """transformers as its users call it: read, cast and quantize."""
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return AutoModelForCausalLM.from_pretrained(
        model, quantization_config=nf4, dtype=torch.bfloat16, device_map={"": "cpu"}
    )


def hf_artifact(model: Path, artifacts: Path) -> torch.nn.Module:
    """transformers on the prepared copy, which is an ordinary bitsandbytes checkpoint."""
    return AutoModelForCausalLM.from_pretrained(
        nf4_folder(model, model.name, artifacts), dtype=torch.bfloat16, device_map={"": "cpu"}
    )


def ours(model: Path, artifacts: Path) -> object:
    residency = Residency(CPU, artifacts)
    loaded, _ = residency.base(ModelFiles(model.name, None, model, "folder"), SilentReport())
    assert loaded.from_artifact
    return residency


def read_only(model: Path, artifacts: Path) -> object:
    """No load: the prepared copy's bytes in large reads, the fastest its disk allows."""
    buffer = bytearray(READ_BYTES)
    with (nf4_folder(model, model.name, artifacts) / "model.safetensors").open("rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass
    return buffer


IMPORTED_BEFORE = (modeling_llama, nf4)
ARMS: dict[str, Callable[[Path, Path], object]] = {
    "hf-pickle-nf4": hf_quantizing,
    "hf-safetensors-nf4": hf_quantizing,
    "hf-artifact": hf_artifact,
    "ours-artifact": ours,
    "read-only": read_only,
}


def main(arm: str, model: Path, artifacts: Path) -> None:
    transformers_logging.disable_progress_bar()
    folders = [model, nf4_folder(model, model.name, artifacts)]
    files = [path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()]
    warm = [path for path in files if (make_cold(path).cached_bytes or 0) > 2**20]
    gc.collect()
    before, watch = anonymous_bytes(), Watch()
    with watch:
        started = time.perf_counter()
        kept = ARMS[arm](model, artifacts)
        touch(kept)
        seconds = time.perf_counter() - started
    answer = {
        "seconds": seconds,
        "anonymous_growth_bytes": watch.peak - before,
        "warm_files": [path.name for path in warm],
        "cached_after": sum(cached_pages(path).cached_bytes or 0 for path in files),
    }
    if isinstance(kept, Residency):
        started = time.perf_counter()
        _, resident = kept.base(ModelFiles(model.name, None, model, "folder"), SilentReport())
        answer |= {"resident_seconds": time.perf_counter() - started}
        assert resident
        assert find_nf4(model, model.name, DTYPE, artifacts)
    print(json.dumps(answer))


def touch(kept: object) -> None:
    """Read a byte of every page of every weight."""
    if isinstance(kept, Residency):
        assert kept._model is not None
        kept = kept._model.model
    if isinstance(kept, torch.nn.Module):
        for tensor in kept.state_dict().values():
            if tensor.nbytes:
                tensor.contiguous().view(-1).view(torch.uint8)[::PAGE_BYTES].sum()


class Watch:
    """The highest anonymous memory of this process while open, looked at every 10 ms."""

    def __init__(self) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.peak = max(self.peak, anonymous_bytes())

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.peak = max(self.peak, anonymous_bytes())
        self._over.set()
        self._thread.join()


def anonymous_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
