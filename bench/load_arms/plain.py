"""No load: the copy's bytes in large reads, the rate that the arms' limits are computed from."""

from pathlib import Path

from bench.load_arms.loaded import Loaded

READ_BYTES = 16 * 1024**2


def large_reads(model: Path, artifact: Path) -> Loaded:
    buffer = bytearray(READ_BYTES)
    with (artifact / "model.safetensors").open("rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass
    return Loaded()
