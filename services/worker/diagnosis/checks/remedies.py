"""Remedies that several checks offer."""

import shlex
from pathlib import PurePosixPath

from services.worker.diagnosis import predictions
from services.worker.diagnosis.checks.finding import SATA_SSD_BYTES_PER_SECOND, saved
from services.worker.diagnosis.checks.places import Place, move_cache_on, move_model
from shared.messages.message import Message, say
from shared.reports.finding import Remedy
from shared.reports.load_facts import LoadFacts, Target
from shared.sealed_folder import MANIFEST

_FEWER = 0.9  # a copy with hardly fewer bytes saves what a header and a few wide norms take
FASTER = 1.3  # a storage less than that much faster is not worth a move

# They name the wide weights' hashes, by which the copy's would be called damaged.
_NOTES_OF_HASHES = (MANIFEST, ".cache")

_BFLOAT16_SCRIPT = """{command} <<'END'
import pathlib, shutil, sys, torch
from safetensors.torch import load_file, save_file
source, target = map(pathlib.Path, sys.argv[1:3])
shutil.copytree(source, target, ignore=shutil.ignore_patterns({left_out}))
for file in sys.argv[3:]:
    tensors = load_file(source / file).items()
    halved = {{name: t.to(torch.bfloat16) if t.is_floating_point() else t for name, t in tensors}}
    save_file(halved, target / file, metadata={{"format": "pt"}})
END"""


def with_gain(
    remedy: Remedy, facts: LoadFacts, *, load_seconds: float | None, part_seconds: float | None
) -> Remedy:
    """`remedy` with what it saves: the cold load that was measured less the one predicted, `load_seconds`.

    Without such a load there is nothing to set a whole load against: what then counts is `part_seconds`,
    the saving in those parts of a load that the remedy changes.
    """
    run = predictions.cold_run(facts)
    if run is None or load_seconds is None:
        assumes = remedy.assumes
        if part_seconds is not None and run is None and facts.checkpoint_runs:
            assumes = _both(assumes, say("assumed-cold-files"))
        return remedy.model_copy(update={"saves_seconds": part_seconds, "assumes": assumes})
    saves = max(0.0, run.total_seconds - load_seconds)
    return remedy.model_copy(update={"saves_seconds": saves, "predicted_seconds": load_seconds})


def _both(first: str | Message | None, second: Message) -> Message:
    return second if first is None else say("assumed-both", first=first, second=second)


def keep_nf4_copy(facts: LoadFacts) -> Remedy | None:
    """Fewer bytes to read, none to quantize; None when that is so already, by the checkpoint or a copy."""
    checkpoint = facts.checkpoint
    if checkpoint.quantized or checkpoint.nf4_bytes is None or has_copy(facts):
        return None
    target = facts.target("data")
    rate_there = target.limit_bytes_per_second if target else facts.limit_bytes_per_second
    reading = saved(
        facts.read_seconds(checkpoint.opened_bytes),
        checkpoint.nf4_bytes / rate_there if rate_there else None,
    )
    quantizing = facts.trial.phase_seconds.get("quantize", 0.0) if facts.trial else 0.0
    remedy = Remedy(
        action=say("keep-nf4-copy", nf4_bytes=checkpoint.nf4_bytes, weight_bytes=checkpoint.opened_bytes),
        kind="nf4_copy",
        command=prepare_command(facts),
    )
    return with_gain(
        remedy,
        facts,
        load_seconds=predictions.from_copy(facts),
        part_seconds=(reading or 0.0) + quantizing or None,
    )


def has_copy(facts: LoadFacts) -> bool:
    """Whether a prepared copy is there that no load has found unusable."""
    return facts.copy_in_use is not None and facts.copy_in_use.problem is None


def prepare_command(facts: LoadFacts, *options: str) -> str:
    """For the revision that was asked for: without its name the command would prepare another."""
    revision = ["--revision", facts.wanted_revision] if facts.wanted_revision else []
    return shlex.join(["./tunedock", "prepare", facts.model, *revision, *options])


def keep_bfloat16_copy(facts: LoadFacts) -> Remedy | None:
    """Half the bytes of float32; None when that would save next to nothing.

    Where this process may not write to the models folder, as in a container, neither its folders nor its
    Python are those of whoever may: the remedy then has no command.
    """
    checkpoint = facts.checkpoint
    if checkpoint.quantized or checkpoint.bfloat16_bytes is None:
        return None
    if checkpoint.bfloat16_bytes > _FEWER * checkpoint.opened_bytes:
        return None
    remedy = Remedy(
        action=say("keep-bfloat16-copy", copy_bytes=checkpoint.bfloat16_bytes),
        command=None if facts.models_dir_writable is False else _bfloat16_command(facts),
    )
    return with_gain(
        remedy,
        facts,
        load_seconds=predictions.from_bfloat16(facts),
        part_seconds=saved(
            facts.read_seconds(checkpoint.opened_bytes), facts.read_seconds(checkpoint.bfloat16_bytes)
        ),
    )


def _bfloat16_command(facts: LoadFacts) -> str:
    checkpoint = facts.checkpoint
    target = f"{facts.models_dir}/{facts.model.rsplit('/', 1)[-1]}-bf16"
    opened = [file.name for file in checkpoint.opened]
    suffixes = sorted({PurePosixPath(file.name).suffix for file in checkpoint.files})
    left_out = [*(f"*{suffix}" for suffix in suffixes), *_NOTES_OF_HASHES]
    return _BFLOAT16_SCRIPT.format(
        command=shlex.join([facts.python, "-", checkpoint.folder, target, *opened]),
        left_out=", ".join(f'"{pattern}"' for pattern in left_out),
    )


def move_to_faster_disk(facts: LoadFacts, where: Place = "local SSD") -> Remedy:
    """To the fastest storage of this installation, else to one the reader has.

    The command for the latter copies links as links, which a hub cache is made of.
    """
    if (target := _faster_storage(facts)) is not None and target.limit_bytes_per_second:
        remedy = Remedy(
            action=say(
                "move-to-storage",
                storage=target.name,
                folder=target.folder,
                limit_bytes_per_second=target.limit_bytes_per_second,
            ),
            kind="move_cache",
            storage=target.name,
            command=prepare_command(facts, "--move-cache-to", target.name),
        )
        return _with_gain_of_moving(remedy, facts, target.limit_bytes_per_second)
    if facts.cache.moved and facts.in_hub_cache:
        return _move_cache_on(facts, where)
    root, variable = _movable_root(facts)
    old = shlex.quote(f"{root}/.")
    remedy = Remedy(
        action=move_model(where, variable),
        command=f'new=/path/on/that/disk; mkdir -p "$new" && cp -a {old} "$new" && export {variable}="$new"',
        assumes=say("assumed-sata-ssd", ssd_bytes_per_second=SATA_SSD_BYTES_PER_SECOND),
    )
    return _with_gain_of_moving(remedy, facts, SATA_SSD_BYTES_PER_SECOND)


def _move_cache_on(facts: LoadFacts, where: Place) -> Remedy:
    """Of a cache that a job moved: no variable moves it any more."""
    remedy = Remedy(
        action=move_cache_on(where),
        command=prepare_command(facts, "--move-cache-to", "NAME"),
        assumes=say("assumed-sata-ssd", ssd_bytes_per_second=SATA_SSD_BYTES_PER_SECOND),
    )
    return _with_gain_of_moving(remedy, facts, SATA_SSD_BYTES_PER_SECOND)


def _with_gain_of_moving(remedy: Remedy, facts: LoadFacts, bytes_per_second: float) -> Remedy:
    total, run = facts.checkpoint.opened_bytes, predictions.cold_run(facts)
    moved = run is None or run.folder == facts.checkpoint.folder  # a converted copy stays where it is
    return with_gain(
        remedy,
        facts,
        load_seconds=predictions.from_storage_of(facts, bytes_per_second) if moved else None,
        part_seconds=saved(facts.read_seconds(total), total / bytes_per_second),
    )


def of_cache_in_use(facts: LoadFacts) -> list[str]:
    """Options that point `hf` to the cache: where a job moved it, no variable in a shell names it."""
    return ["--cache-dir", facts.cache.folder] if facts.cache.moved else []


def stay_resident() -> Remedy:
    return Remedy(action=say("stay-resident"))


def _faster_storage(facts: LoadFacts) -> Target | None:
    """The fastest storage that the hub's cache can be moved to, if it is clearly faster than where it is."""
    if not facts.in_hub_cache or not facts.limit_bytes_per_second:
        return None
    if any("pickle" in file.format for file in facts.checkpoint.opened):
        return None  # its converted copy is what loads read, and that lies in the data folder
    known = [target for target in facts.targets if target.name != "data" and target.limit_bytes_per_second]
    best = max(known, key=lambda target: target.limit_bytes_per_second or 0.0, default=None)
    if best is None or (best.limit_bytes_per_second or 0.0) < FASTER * facts.limit_bytes_per_second:
        return None
    return best


def _movable_root(facts: LoadFacts) -> tuple[str, str]:
    if facts.in_hub_cache:
        return facts.cache.folder, "HF_HUB_CACHE"
    parent = facts.checkpoint.folder.rstrip("/").rpartition("/")[0] or "/"
    if facts.checkpoint.source == "prepared":
        return parent.rpartition("/")[0] or "/", "TUNEDOCK_DATA_DIR"
    return parent, "TUNEDOCK_MODELS_DIR"
