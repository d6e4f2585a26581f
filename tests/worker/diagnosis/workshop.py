"""Places in which a cause of slow or failing loads can really be made: disks, mounts, limits, hub caches.

What needs root, a mount or a control group raises NotHere where the machine lacks it.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import huggingface_hub
import torch

from bench.slow_disk import NoSlowDisk, SlowDisk, Throttle, slow_disk
from tests.tiny_models import make_tiny_llama
from tests.worker.apart import Order
from tests.worker.models.hub_server import Hub, running_hub

MODEL = "someone/tiny"
FOLDER = "tiny"
_CGROUPS = Path("/sys/fs/cgroup")
_DISK_BYTES = 12_000_000_000  # sparse
_READER = """
import mmap, os, sys
piece = mmap.mmap(-1, 1 << 20)
file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
while True:
    for place in range(0, os.fstat(file).st_size - (1 << 20), 1 << 20):
        os.preadv(file, [piece], place)
"""


class NotHere(Exception):
    """Why a cause can't be made on this machine."""


class Workshop:
    """Temporary places, all gone when it is closed. Each `fresh` folder is an installation of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._number = 0

    def close(self) -> None:
        self._stack.close()

    @cached_property
    def hub(self) -> Hub:
        return self._stack.enter_context(running_hub())

    @property
    def disk(self) -> SlowDisk:
        """One that only these causes use, as fast as the machine's until throttled. Raises NotHere."""
        if isinstance(self._disk, NoSlowDisk):
            raise NotHere(str(self._disk))
        return self._disk

    @cached_property
    def _disk(self) -> SlowDisk | NoSlowDisk:
        place = self._folder / "own"
        place.mkdir(parents=True)
        try:
            return self._stack.enter_context(slow_disk(place, _DISK_BYTES))
        except NoSlowDisk as reason:
            return reason

    @property
    def quiet(self) -> bool:
        """Whether nobody else's reads and writes show on the disk in use."""
        return isinstance(self._disk, SlowDisk)

    def fresh(self) -> Path:
        """An empty folder, on the own disk where there may be one."""
        self._number += 1
        root = self.disk.folder if self.quiet else self._folder
        place = root / f"place-{self._number}"
        place.mkdir(parents=True)
        return place

    def large(self, *, bytes_: int = 48_000_000, dtype: torch.dtype = torch.bfloat16) -> Path:
        """A model folder of about `bytes_` in a place of its own; only its embedding is large."""
        place = self.fresh()
        words = bytes_ // (64 * dtype.itemsize)
        make_tiny_llama(place / "models" / FOLDER, dtype=dtype, vocab_size=words)
        flush(place)
        return place

    @contextmanager
    def throttled(self, throttle: Throttle, *, below: bool = False) -> Iterator[str]:
        """`cgroup.procs` of a group for which the own disk is slow.

        `below` throttles the disk beneath it instead, so that requests wait in the own disk, as they do in a
        real one that is slow.
        """
        disk = self.disk
        if below:
            number = self._folder.stat().st_dev
            disk = replace(disk, number=f"{os.major(number)}:{os.minor(number)}")
        try:
            with disk.throttled(throttle) as processes:
                yield str(processes)
        except OSError as error:
            raise NotHere(f"no control group can throttle: {error}") from error

    @contextmanager
    def read_ahead(self, kibibytes: int) -> Iterator[None]:
        """How far the kernel reads ahead on the own disk."""
        setting = Path("/sys/dev/block") / self.disk.number / "queue/read_ahead_kb"
        before = setting.read_text()
        setting.write_text(str(kibibytes))
        try:
            yield
        finally:
            setting.write_text(before)


def order(place: Path, **fields: Any) -> Order:
    """To diagnose the model folder of a `fresh` place, with a cold trial load unless `fields` differ."""
    request = {"model": FOLDER, "cold": True}
    environment = {"HF_HOME": str(place / "hf"), "HF_HUB_OFFLINE": "1"}
    request |= fields.pop("request", {})
    environment |= fields.pop("environment", {})
    return Order("diagnose", request, str(place), environment=environment, **fields)


def cached(workshop: Workshop, place: Path, model: Path | None = None, **more: bytes) -> Path:
    """Let huggingface_hub itself download `model` into a cache in `place`; returns the snapshot."""
    source = model or make_tiny_llama(workshop.fresh(), dtype=torch.bfloat16)
    workshop.hub.publish(MODEL, source, **more)
    snapshot = huggingface_hub.snapshot_download(
        MODEL, cache_dir=place / "hf/hub", endpoint=workshop.hub.endpoint
    )
    flush(place)
    return Path(snapshot)


def of_hub(place: Path, **fields: Any) -> Order:
    """To diagnose the hub model in the cache of `place`, offline and without a trial unless told so."""
    request = {"model": MODEL, "cold": False, "trial_load": False} | fields.pop("request", {})
    return order(place, request=request, **fields)


@contextmanager
def mounted(folder: Path, kind: str, *options: str) -> Iterator[Path]:
    """`folder` with a filesystem of `kind` mounted on it. Raises NotHere."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", kind, *(("-o", ",".join(options)) if options else ()), kind, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHere(f"{kind} can't be mounted: {done.stderr.strip().splitlines()[0]}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def limited(controller: str, **values: int) -> Iterator[str]:
    """`cgroup.procs` of a group of version 1 with limits such as `memory__limit_in_bytes`. Raises NotHere."""
    group = _CGROUPS / controller / f"tunedock-test-{os.getpid()}"
    try:
        group.mkdir()
        for name, value in values.items():
            (group / name.replace("__", ".")).write_text(str(value))
    except OSError as error:
        raise NotHere(f"no control group for {controller} can be made: {error}") from error
    try:
        yield str(group / "cgroup.procs")
    finally:
        group.rmdir()


@contextmanager
def reader(file: Path, group: str) -> Iterator[None]:
    """Another program that reads `file` over and over, past the page cache."""
    command = [sys.executable, "-c", _READER, str(file)]
    with subprocess.Popen(command, preexec_fn=lambda: _join(group)) as process:
        try:
            yield
        finally:
            process.kill()


def sparse(folder: Path, *, bytes_: int) -> Path:
    """A model whose weights are zeros that take no room on disk and no time to write."""
    file = make_tiny_llama(folder, dtype=torch.bfloat16) / "model.safetensors"
    with file.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    embedding = header["model.embed_tokens.weight"]
    embedding["shape"][0] = bytes_ // (2 * embedding["shape"][1])
    end = 0
    for name in header.keys() - {"__metadata__"}:
        length = 2 * math.prod(header[name]["shape"])
        header[name]["data_offsets"] = [end, end + length]
        end += length
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.truncate(8 + len(text) + end)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"vocab_size": embedding["shape"][0]}))
    return folder


def flush(place: Path) -> None:
    """Write everything to disk, so that nobody finds it busy with that."""
    subprocess.run(["sync", "--file-system", str(place)], check=True)


def _join(group: str) -> None:
    Path(group).write_text(str(os.getpid()))
