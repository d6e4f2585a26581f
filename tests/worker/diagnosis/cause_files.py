"""Causes that lie in a model's files, or in the cache and the variables that lead to them."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub
import torch

from services.worker.diagnosis.hub_facts import CONVERSION_BOT
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.apart import Order
from tests.worker.diagnosis.workshop import FOLDER, MODEL, Workshop, cached, flush, of_hub, order
from tests.worker.models.hub_server import Proposal

BF16 = torch.bfloat16
WEIGHTS = "model.safetensors"
CONVERSION = "Adding `safetensors` variant of this model"


@contextmanager
def healthy_folder(workshop: Workshop) -> Iterator[Order]:
    yield order(workshop.large())


@contextmanager
def healthy_cache(workshop: Workshop) -> Iterator[Order]:
    place, model = workshop.fresh(), workshop.large(bytes_=16_000_000)
    cached(workshop, place, model / "models" / FOLDER)
    yield of_hub(place, request={"trial_load": True, "cold": True})


@contextmanager
def pickled(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    make_tiny_llama(place / "models" / FOLDER, form="bin", dtype=BF16)
    yield order(place)


@contextmanager
def legacy_pickle(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    file = make_tiny_llama(place / "models" / FOLDER, form="bin", dtype=BF16) / "pytorch_model.bin"
    weights = torch.load(file, weights_only=True)
    torch.save(weights, file, _use_new_zipfile_serialization=False)
    yield order(place, request={"trial_load": False})


@contextmanager
def converted_on_hub(workshop: Workshop) -> Iterator[Order]:
    """The cache has the pickles of main; the hub's bot has proposed safetensors of them."""
    place = workshop.fresh()
    cached(workshop, place, make_tiny_llama(workshop.fresh(), form="bin", dtype=BF16))
    safe = make_tiny_llama(workshop.fresh(), dtype=BF16) / WEIGHTS
    files = {**workshop.hub.repositories[MODEL], WEIGHTS: safe.read_bytes()}
    workshop.hub.proposals[MODEL] = [Proposal(7, CONVERSION_BOT, CONVERSION, files)]
    yield of_hub(place, environment=online(workshop))
    workshop.hub.proposals.clear()


@contextmanager
def both_formats(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    make_tiny_llama(place / "models" / FOLDER, form="bin", dtype=BF16)
    make_tiny_llama(place / "models" / FOLDER, dtype=BF16)
    yield order(place)


@contextmanager
def float32(workshop: Workshop) -> Iterator[Order]:
    yield order(workshop.large(dtype=torch.float32))


@contextmanager
def truncated_shard(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    shard = make_tiny_exaone(place / "models" / FOLDER, dtype=BF16) / "model-00002-of-00002.safetensors"
    os.truncate(shard, shard.stat().st_size // 2)
    yield order(place)


@contextmanager
def wrong_hash(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    file = cached(workshop, place) / WEIGHTS
    with file.open("r+b") as stream:  # one weight of many thousand
        stream.seek(-100, os.SEEK_END)
        stream.write(b"\x12\x34")
    yield of_hub(place, request={"trial_load": True})


@contextmanager
def edited_config(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    config = cached(workshop, place) / "config.json"
    config.write_text(config.read_text().replace('"rope_theta": 10000.0', '"rope_theta": 99999.0'))
    yield of_hub(place)


@contextmanager
def missing_shard(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    make_tiny_exaone(place / "models" / FOLDER, dtype=BF16)
    (place / "models" / FOLDER / "model-00001-of-00002.safetensors").unlink()
    yield order(place)


@contextmanager
def pruned_blob(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    snapshot = cached(workshop, place, make_tiny_exaone(workshop.fresh(), dtype=BF16))
    (snapshot / "model-00001-of-00002.safetensors").resolve().unlink()
    yield of_hub(place)


@contextmanager
def unfinished_download(workshop: Workshop) -> Iterator[Order]:
    """The first try to use the model was killed while its weights came."""
    place, hub = workshop.fresh(), workshop.hub
    hub.publish(MODEL, make_tiny_llama(workshop.fresh(), dtype=BF16))
    hub.hold_path = WEIGHTS
    with killed_download(place, hub.endpoint):
        assert hub.half_sent.wait(60)
        wait_for(place, "hf/hub/models--*/snapshots/*/config.json")
    hub.hold_path = None
    hub.half_sent.clear()
    yield of_hub(place)


@contextmanager
def leftover(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    snapshot = cached(workshop, place)
    blob = (snapshot / WEIGHTS).resolve()
    blob.with_name(f"{blob.name}.0a1b2c3d.incomplete").write_bytes(bytes(1_000_000))
    yield of_hub(place)


@contextmanager
def damaged_spare(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    folder = make_tiny_llama(place / "models" / FOLDER, dtype=BF16)
    (folder / "consolidated.safetensors").write_bytes((folder / WEIGHTS).read_bytes()[:-1])
    yield order(place)


@contextmanager
def unknown_architecture(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    config = make_tiny_llama(place / "models" / FOLDER, dtype=BF16) / "config.json"
    config.write_text(config.read_text().replace('"llama"', '"no_such_architecture"'))
    yield order(place)


@contextmanager
def ignored_variable(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    cached(workshop, place)
    yield of_hub(place, environment={"TRANSFORMERS_CACHE": str(place / "fast-disk")})


@contextmanager
def idle_setting(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    cached(workshop, place)
    yield of_hub(place, environment={"SAFETENSORS_FAST_GPU": "1", "HF_ENABLE_PARALLEL_LOADING": "true"})


@contextmanager
def cached_twice(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    cached(workshop, place)
    shutil.copytree(place / "hf/hub", place / "old-cache/hub", symlinks=True)
    variables = {"HF_HUB_CACHE": str(place / "hf/hub"), "HF_HOME": str(place / "old-cache")}
    yield of_hub(place, environment=variables)


@contextmanager
def several_revisions(workshop: Workshop) -> Iterator[Order]:
    """A later revision was downloaded beside an earlier one, which nobody names any more."""
    place = workshop.fresh()
    snapshot = cached(workshop, place)
    earlier = snapshot.with_name("f" * 40)
    shutil.copytree(snapshot, earlier, symlinks=True)
    blob = snapshot.parent.parent / "blobs" / ("e" * 64)
    blob.write_bytes(bytes(3_000_000))
    (earlier / WEIGHTS).unlink()
    (earlier / WEIGHTS).symlink_to(f"../../blobs/{blob.name}")
    yield of_hub(place)


@contextmanager
def conversion_leftover(workshop: Workshop) -> Iterator[Order]:
    """Beside main the cache has the revision that transformers' own conversion fetches."""
    place = workshop.fresh()
    cached(workshop, place)
    other = make_tiny_llama(workshop.fresh(), dtype=BF16, seed=1)
    files = {file.name: file.read_bytes() for file in other.iterdir()}
    workshop.hub.proposals[MODEL] = [Proposal(7, CONVERSION_BOT, CONVERSION, files)]
    huggingface_hub.snapshot_download(
        MODEL, revision="refs/pr/7", cache_dir=place / "hf/hub", endpoint=workshop.hub.endpoint
    )
    workshop.hub.proposals.clear()
    yield of_hub(place)


@contextmanager
def without_links(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    snapshot = cached(workshop, place)
    for file in snapshot.iterdir():
        blob = file.resolve()
        file.unlink()
        blob.rename(file)
    yield of_hub(place)


@contextmanager
def hub_asked(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    cached(workshop, place)
    workshop.hub.delay_seconds = 2.1
    yield of_hub(place, environment=online(workshop))
    workshop.hub.delay_seconds = 0.0


@contextmanager
def first_download(workshop: Workshop) -> Iterator[Order]:
    place = workshop.fresh()
    workshop.hub.publish(MODEL, make_tiny_llama(workshop.fresh(), dtype=BF16))
    workshop.hub.delay_seconds = 0.7
    yield of_hub(place, environment=online(workshop))
    workshop.hub.delay_seconds = 0.0


@contextmanager
def quantizing(workshop: Workshop) -> Iterator[Order]:
    """A hundred million weights of linear layers on one processor."""
    place = workshop.fresh()
    make_tiny_llama(place / "models" / FOLDER, dtype=BF16, hidden_size=1024, layers=12)
    flush(place)
    yield order(place)


def wait_for(place: Path, pattern: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not any(place.glob(pattern)):
        assert time.monotonic() < deadline, f"no {pattern} came"
        time.sleep(0.02)


def online(workshop: Workshop) -> dict[str, str]:
    return {"HF_HUB_OFFLINE": "", "HF_ENDPOINT": workshop.hub.endpoint}


@contextmanager
def killed_download(place: Path, endpoint: str) -> Iterator[None]:
    """huggingface_hub's own download, killed at the end of the block."""
    program = "import sys, huggingface_hub; huggingface_hub.snapshot_download(sys.argv[1])"
    environment = os.environ | {"HF_HOME": str(place / "hf"), "HF_ENDPOINT": endpoint}
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    with subprocess.Popen([sys.executable, "-c", program, MODEL], env=environment) as process:
        yield
        process.kill()
