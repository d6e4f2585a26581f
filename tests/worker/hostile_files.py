"""Model folders that somebody made to harm: each must end as a clear finding or failure, in bounded memory.

`python -m tests.worker.hostile_files [WORD …]` prints the table hostile file → outcome.
"""

import argparse
import io
import json
import os
import pickle
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch

from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.apart import Apart, Order, Outcome, apart

FOLDER = "tiny"
WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
SECONDS = 90.0
MOST_BYTES = 450_000_000  # a healthy tiny model takes 100 MB, most of them libraries

UNREADABLE, REFUSED, UNSUPPORTED = "model_unreadable", "model_refused", "model_unsupported"
INCOMPLETE, FAILED, NOTHING = "incomplete-checkpoint", "failed-trial", "no error"
LOADS = "loads"

Make = Callable[[Path], object]


@dataclass(frozen=True)
class HostileFile:
    """`diagnosis` is the id of the first error, NOTHING, or the code that fails the job; `load` is the code
    that fails a load, or LOADS where the file is harmless."""

    name: str
    make: Make
    diagnosis: str
    load: str
    at_stage: Mapping[str, str] = field(default_factory=dict)


class Payload:
    """Unpickled carelessly, it makes a file beside the model."""

    def __init__(self, folder: Path) -> None:
        self.marker = marker_of(folder)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


class Allocation:
    """A hundred bytes of pickle that want six gigabytes."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return bytearray, (6_000_000_000,)


def marker_of(folder: Path) -> Path:
    """What exists once anything of a model folder was executed."""
    return folder.parent / "executed"


# --- pickles


def pickled(content: Callable[[Path], object]) -> Make:
    def make(folder: Path) -> None:
        file = make_tiny_llama(folder, form="bin") / "pytorch_model.bin"
        torch.save({"model.norm.weight": content(folder)}, file)

    return make


def plainly_pickled(folder: Path) -> None:
    file = make_tiny_llama(folder, form="bin") / "pytorch_model.bin"
    file.write_bytes(pickle.dumps(Payload(folder)))


def pickle_called_safetensors(folder: Path) -> None:
    torch.save({"model.norm.weight": Payload(folder)}, make_tiny_llama(folder) / WEIGHTS)


def compressed(folder: Path) -> None:
    """A zip whose tensor of half a gigabyte of zeros takes half a megabyte."""
    file = make_tiny_llama(folder, form="bin") / "pytorch_model.bin"
    file.write_bytes(_compressed(file.read_bytes()))


@cache
def _compressed(checkpoint: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(checkpoint)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, content in parts.items():
            with target.open(name, "w", force_zip64=True) as stream:
                for _ in range(32 if name.endswith("data/0") else 0):
                    stream.write(bytes(16 * 1024**2))
                stream.write(content)
    return made.getvalue()


# --- safetensors


def headed(text: bytes, values: bytes = b"\0\0\0\0") -> Make:
    """A weight file with the header `text`."""

    def make(folder: Path) -> None:
        (make_tiny_llama(folder) / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + values)

    return make


def with_header(change: Callable[[dict[str, Any]], object]) -> Make:
    """A whole weight file whose header was changed."""

    def make(folder: Path) -> None:
        header, values = split(make_tiny_llama(folder) / WEIGHTS)
        change(header)
        headed(json.dumps(header).encode(), values)(folder)

    return make


def with_header_text(old: str, new: str) -> Make:
    def make(folder: Path) -> None:
        header, values = split(make_tiny_llama(folder) / WEIGHTS)
        headed(json.dumps(header).replace(old, new, 1).encode(), values)(folder)

    return make


def split(file: Path) -> tuple[dict[str, Any], bytes]:
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def norm(**changes: Any) -> Make:
    """The entry of one tensor of 64 values, changed."""
    return with_header(lambda header: header["model.norm.weight"].update(changes))


def said_twice(folder: Path) -> None:
    header, values = split(make_tiny_llama(folder) / WEIGHTS)
    again = json.dumps(header["model.norm.weight"])
    headed(f'{json.dumps(header)[:-1]}, "model.norm.weight": {again}}}'.encode(), values)(folder)


def claiming_gigabytes(folder: Path) -> None:
    with (make_tiny_llama(folder) / WEIGHTS).open("wb") as stream:
        stream.write(struct.pack("<Q", 90_000_000))
        stream.truncate(100_000_000)


# --- links, pipes, devices, huge files


def linked_out(name: str) -> Make:
    def make(folder: Path) -> None:
        file = make_tiny_llama(folder) / name
        outside = folder.parent.parent / "outside"
        outside.write_bytes(file.read_bytes() if file.exists() else b"secret")
        file.unlink(missing_ok=True)
        file.symlink_to(outside)

    return make


def linked_out_below(folder: Path) -> None:
    make_tiny_llama(folder)
    (folder / "onnx").mkdir()
    (folder / "onnx/model.bin").symlink_to("/etc/passwd")


def linked_in_a_circle(folder: Path) -> None:
    (make_tiny_llama(folder) / "circle").symlink_to("circle")


def replaced(name: str, by: Callable[[Path], object]) -> Make:
    def make(folder: Path) -> None:
        file = make_tiny_llama(folder) / name
        file.unlink(missing_ok=True)
        by(file)

    return make


def pipe(name: str) -> Make:
    return replaced(name, os.mkfifo)


def directory(name: str) -> Make:
    return replaced(name, Path.mkdir)


def huge(name: str) -> Make:
    def sparse(file: Path) -> None:
        with file.open("wb") as stream:
            stream.truncate(8 * 1024**3)

    return replaced(name, sparse)


def badly_named(folder: Path) -> None:
    make_tiny_llama(folder)
    (folder / "a\x1b[2Jb\n.bin").write_bytes(b"escape")
    with open(os.fsencode(folder) + b"/\xff\xfe.bin", "wb") as stream:  # noqa: PTH123
        stream.write(b"no UTF-8")


# --- configuration, index, tokenizer


def config(maker: Callable[[Path], Path] = make_tiny_llama, /, **changes: Any) -> Make:
    return edited(CONFIG, maker, **changes)


def edited(name: str, maker: Callable[[Path], Path] = make_tiny_llama, **changes: Any) -> Make:
    def make(folder: Path) -> None:
        file = maker(folder) / name
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return make


def written(name: str, content: str | bytes) -> Make:
    def make(folder: Path) -> None:
        text = content.encode() if isinstance(content, str) else content
        (make_tiny_llama(folder) / name).write_bytes(text)

    return make


def indexed(change: Callable[[dict[str, Any]], object]) -> Make:
    def make(folder: Path) -> None:
        index = make_tiny_exaone(folder) / INDEX
        content = json.loads(index.read_text())
        change(content)
        index.write_text(json.dumps(content))

    return make


def shard(name: object) -> Make:
    """An index that says one tensor is in a file called `name`."""
    return indexed(lambda index: index["weight_map"].update({"transformer.ln_f.weight": name}))


def own_code(folder: Path) -> None:
    """Code in every place from which somebody might take it."""
    code = f"open({str(marker_of(folder))!r}, 'w')"
    names = {
        "AutoConfig": "own.Config",
        "AutoModelForCausalLM": "own.Model",
        "AutoTokenizer": ["own.T", None],
    }
    edited(CONFIG, auto_map=names)(folder)
    for name in ("own.py", "modeling_llama.py", "configuration_llama.py", "__init__.py"):
        (folder / name).write_text(code)
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate/generate.py").write_text(code)
    settings = json.loads((folder / TOKENIZER_CONFIG).read_text())
    (folder / TOKENIZER_CONFIG).write_text(json.dumps(settings | {"auto_map": names}))


def bomb(count: int) -> str:
    """Two megabytes of nested lists for each 700,000."""
    return '{"model_type": "llama", "x": [' + "[]," * count + "[]]}"


def split_rule(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def added_tokens(count: int) -> Make:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    tokens = [{"id": 512 + number, "content": f"<{number}>", **flags} for number in range(count)]
    return edited(TOKENIZER, added_tokens=tokens)


# --- files that change between a check and its use


def exaone(folder: Path) -> None:
    """Two shards, and beside the model what they are swapped with."""
    make_tiny_exaone(folder)
    make_tiny_exaone(folder.parent.parent / "other", seed=9)


SECOND = "model-00002-of-00002.safetensors"
SWAP = f"cp other/{SECOND} models/{FOLDER}/new && mv models/{FOLDER}/new models/{FOLDER}/{SECOND}"
OVERWRITE = f"cat other/{SECOND} > models/{FOLDER}/{SECOND}"
TRUNCATE = f"truncate --size 1000 models/{FOLDER}/{SECOND}"
LINK = f"ln --symbolic --force $PWD/other/{SECOND} models/{FOLDER}/{SECOND}"
DELETE = f"rm models/{FOLDER}/{SECOND}"
PIPE = f"rm models/{FOLDER}/{SECOND} && mkfifo models/{FOLDER}/{SECOND}"

BILLION = 10**9
HOSTILE_FILES = (
    HostileFile("pickle with a payload", pickled(Payload), FAILED, REFUSED),
    HostileFile("plain pickle with a payload", plainly_pickled, FAILED, REFUSED),
    HostileFile("pickle called safetensors", pickle_called_safetensors, INCOMPLETE, UNREADABLE),
    HostileFile("pickle that wants 6 GB", pickled(lambda _: Allocation()), FAILED, REFUSED),
    HostileFile("compressed pickle", compressed, FAILED, UNREADABLE),
    HostileFile("header of 90 MB", claiming_gigabytes, INCOMPLETE, UNREADABLE),
    HostileFile("header of 2^62 bytes", written(WEIGHTS, struct.pack("<Q", 1 << 62)), INCOMPLETE, UNREADABLE),
    HostileFile("header nested deeply", headed(b'{"a":' + b"[" * 100_000), INCOMPLETE, UNREADABLE),
    HostileFile("header of lists", headed(b'{"a":[' + b"[]," * 5_000_000 + b"[]]}"), INCOMPLETE, UNREADABLE),
    HostileFile(
        "header of long numbers",
        headed(
            b'{"a":{"dtype":"F32","shape":[' + b",".join([b"9" * 4000] * 3000) + b'],"data_offsets":[0,4]}}'
        ),
        INCOMPLETE,
        UNREADABLE,
    ),
    HostileFile("header that says it twice", said_twice, INCOMPLETE, UNREADABLE),
    HostileFile("header without UTF-8", headed(b'{"\xff\xfe":{}}'), INCOMPLETE, UNREADABLE),
    HostileFile("shape of NaN", with_header_text("[64]", "[NaN]"), INCOMPLETE, UNREADABLE),
    HostileFile("offset of 1e400", with_header_text("[0, ", "[1e400, "), INCOMPLETE, UNREADABLE),
    HostileFile("unknown dtype", with_header_text('"F32"', '"EVIL"'), INCOMPLETE, UNREADABLE),
    HostileFile("dtype that is a number", with_header_text('"F32"', "5"), INCOMPLETE, UNREADABLE),
    HostileFile("overlapping tensors", norm(data_offsets=[0, 256]), INCOMPLETE, UNREADABLE),
    HostileFile(
        "offsets beyond the file", norm(data_offsets=[BILLION, BILLION + 256]), INCOMPLETE, UNREADABLE
    ),
    HostileFile("shape that does not fit", norm(shape=[65]), INCOMPLETE, UNREADABLE),
    HostileFile("dtype that does not fit", norm(dtype="BF16"), INCOMPLETE, UNREADABLE),
    HostileFile("shape of 10^18 without bytes", norm(shape=[0, 10**18]), INCOMPLETE, UNREADABLE),
    HostileFile(
        "metadata of numbers",
        with_header(lambda header: header.update(__metadata__={"a": 1})),
        INCOMPLETE,
        UNREADABLE,
    ),
    HostileFile(
        "name that clears the screen",
        with_header_text("model.norm.weight", "\\u001b[2J\\ud800"),
        FAILED,
        UNREADABLE,
    ),
    *(
        HostileFile(f"{name} links out", linked_out(name), REFUSED, REFUSED)
        for name in (WEIGHTS, CONFIG, TOKENIZER, "LICENSE")
    ),
    HostileFile("link out below the folder", linked_out_below, NOTHING, LOADS),
    HostileFile("link in a circle", linked_in_a_circle, REFUSED, REFUSED),
    HostileFile("weights are a pipe", pipe(WEIGHTS), INCOMPLETE, UNREADABLE),
    HostileFile("config is a pipe", pipe(CONFIG), UNREADABLE, UNREADABLE),
    *(
        HostileFile(f"{name} is a pipe", pipe(name), FAILED, UNREADABLE)
        for name in (TOKENIZER, TOKENIZER_CONFIG, "generation_config.json", "chat_template.jinja", INDEX)
    ),
    HostileFile("weights are a folder", directory(WEIGHTS), INCOMPLETE, UNREADABLE),
    HostileFile("tokenizer is a folder", directory(TOKENIZER), FAILED, UNREADABLE),
    HostileFile("generation config is a folder", directory("generation_config.json"), NOTHING, LOADS),
    *(
        HostileFile(f"{name} of 8 GiB", huge(name), FAILED, UNREADABLE)
        for name in (CONFIG, TOKENIZER, TOKENIZER_CONFIG, "vocab.json", "chat_template.jinja", "LICENSE")
    ),
    HostileFile("file names no terminal can show", badly_named, NOTHING, LOADS),
    HostileFile("index naming ../", shard("../x.safetensors"), INCOMPLETE, UNREADABLE),
    HostileFile("index naming /etc/passwd", shard("/etc/passwd"), INCOMPLETE, UNREADABLE),
    HostileFile("index naming config.json", shard(CONFIG), FAILED, UNREADABLE),
    HostileFile("index naming an object", shard({"a": 1}), INCOMPLETE, UNREADABLE),
    HostileFile("index naming 5000 letters", shard("n" * 5000), INCOMPLETE, UNREADABLE),
    HostileFile("index naming an escape", shard("a\x1b[2J"), INCOMPLETE, UNREADABLE),
    HostileFile(
        "index without metadata", indexed(lambda index: index.pop("metadata")), INCOMPLETE, UNREADABLE
    ),
    *(
        HostileFile(
            f"config: {name} = {str(value)[:20]}",
            config(make_tiny_llama, **{name: value}),
            FAILED,
            UNREADABLE,
        )
        for name, value in {
            "num_hidden_layers": BILLION,
            "hidden_size": 10**12,
            "vocab_size": 10**12,
            "head_dim": 10**10,
            "intermediate_size": 50_000_000,
            "num_attention_heads": 0,
            "num_key_value_heads": 0,
            "max_position_embeddings": 10**18,
            "num_labels": 10**8,
            "rope_theta": "x",
            "rope_scaling": {"rope_type": "evil"},
            "hidden_act": "evil",
            "tie_word_embeddings": "no",
            "rms_norm_eps": [1],
        }.items()
    ),
    HostileFile("config: 4000 digits", config(hidden_size=int("9" * 4000)), FAILED, UNREADABLE),
    HostileFile("config: model_type is a list", config(model_type=["llama"]), FAILED, UNSUPPORTED),
    HostileFile(
        "config: text as quantization", config(quantization_config="bitsandbytes"), FAILED, UNSUPPORTED
    ),
    HostileFile(
        "config: quantized, which nothing is",
        config(quantization_config={"quant_method": "bitsandbytes", "bnb_4bit_quant_type": "nf4"}),
        FAILED,
        UNREADABLE,
    ),
    HostileFile(
        "config: a billion experts",
        config(model_type="mixtral", architectures=["MixtralForCausalLM"], num_local_experts=BILLION),
        FAILED,
        UNREADABLE,
    ),
    HostileFile(
        "config: a table of 16 million positions",
        config(model_type="gptj", architectures=["GPTJForCausalLM"], n_positions=16_000_000, rope_theta=1),
        FAILED,
        UNREADABLE,
    ),
    *(
        HostileFile(
            f"EXAONE config: {name} = {str(value)[:20]}",
            config(make_tiny_exaone, **{name: value}),
            FAILED,
            UNREADABLE,
        )
        for name, value in {
            "num_layers": BILLION,
            "num_attention_heads": 0,
            "rope_scaling": [1],
            "rope_theta": "x",
            "bos_token_id": "x",
        }.items()
    ),
    HostileFile("config of lists", written(CONFIG, bomb(1_000_000)), FAILED, UNREADABLE),
    HostileFile("config nested deeply", written(CONFIG, '{"a":' + "[" * 100_000), FAILED, UNREADABLE),
    HostileFile("code everywhere", own_code, NOTHING, LOADS),
    HostileFile("tokenizer of nothing", written(TOKENIZER, ""), FAILED, UNREADABLE),
    HostileFile("tokenizer nested deeply", written(TOKENIZER, '{"a":' + "[" * 100_000), FAILED, UNREADABLE),
    HostileFile("tokenizer of lists", written(TOKENIZER, bomb(15_000_000)), FAILED, UNREADABLE),
    HostileFile("tokenizer with 400,000 more tokens", added_tokens(400_000), FAILED, UNREADABLE),
    HostileFile(
        "tokenizer that makes its library panic",
        edited(TOKENIZER, normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        FAILED,
        UNREADABLE,
    ),
    HostileFile(
        "tokenizer with a broken rule", edited(TOKENIZER, pre_tokenizer=split_rule("(")), FAILED, UNREADABLE
    ),
    HostileFile("tokenizer config of lists", written(TOKENIZER_CONFIG, bomb(4_000_000)), FAILED, UNREADABLE),
    HostileFile("tokenizer config is a list", written(TOKENIZER_CONFIG, "[]"), FAILED, UNREADABLE),
    HostileFile("end token is a number", edited(TOKENIZER_CONFIG, eos_token=5), FAILED, UNREADABLE),
    HostileFile("generation config is a list", written("generation_config.json", "[]"), NOTHING, LOADS),
    HostileFile(
        "generation config of lists", written("generation_config.json", bomb(4_000_000)), FAILED, UNREADABLE
    ),
    HostileFile(
        "template that is no text", written("chat_template.jinja", b"\xff\xfe\0"), FAILED, UNREADABLE
    ),
    HostileFile("shard swapped while loading", exaone, FAILED, UNREADABLE, {"loading": SWAP}),
    HostileFile("shard overwritten while loading", exaone, FAILED, UNREADABLE, {"loading": OVERWRITE}),
    HostileFile("shard truncated while loading", exaone, FAILED, UNREADABLE, {"loading": TRUNCATE}),
    HostileFile("shard linked out while loading", exaone, FAILED, UNREADABLE, {"loading": LINK}),
    HostileFile("shard deleted while loading", exaone, FAILED, UNREADABLE, {"loading": DELETE}),
    HostileFile("shard made a pipe while loading", exaone, FAILED, UNREADABLE, {"loading": PIPE}),
)


def outcomes_of(hostile: HostileFile, place: Path, process: Apart) -> tuple[Outcome, Outcome]:
    """A diagnosis with a trial load, and a load as a job does it, each of the folder made anew."""
    diagnosis, load = (process.run(_order(hostile, work, place / work)) for work in ("diagnose", "load"))
    return diagnosis, load


def ended(outcome: Outcome) -> str:
    """The words that a HostileFile says it with."""
    if outcome.failure is not None:
        return outcome.failure["code"]
    if outcome.value is None:
        return f"the process died ({outcome.died})" if outcome.error is None else outcome.error
    if "findings" not in outcome.value:
        return LOADS
    errors = [found["id"] for found in outcome.value["findings"] if found["severity"] == "error"]
    return errors[0] if errors else NOTHING


def _order(hostile: HostileFile, work: str, place: Path) -> Order:
    hostile.make(place / "models" / FOLDER)
    return Order(
        work,
        {"model": FOLDER},
        str(place),
        environment={"HF_HUB_OFFLINE": "1", "HF_HOME": str(place / "hf")},
        at_stage={stage: f"cd '{place}' && {command}" for stage, command in hostile.at_stage.items()},
        watch_seconds=0.01,
        seconds=SECONDS,
    )


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.worker.hostile_files", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only files whose names contain one")
    arguments = parser.parse_args(words)
    wrong = 0
    print("| hostile file | diagnosis | load | most memory | what the reader is told |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, apart() as process:
        for number, hostile in enumerate(HOSTILE_FILES):
            if arguments.words and not any(word in hostile.name for word in arguments.words):
                continue
            diagnosis, load = outcomes_of(hostile, Path(folder) / str(number), process)
            said = (load.failure or {}).get("message", "").splitlines()
            most = max(diagnosis.grown_bytes, load.grown_bytes)
            right = (ended(diagnosis), ended(load)) == (hostile.diagnosis, hostile.load) and most < MOST_BYTES
            wrong += not right
            row = [
                hostile.name,
                ended(diagnosis),
                ended(load),
                f"{most / 1e6:.0f} MB",
                (said or [""])[0][:120],
            ]
            print(f"| {' | '.join(row)} |{'' if right else ' WRONG'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
