"""What lies in a model's folder, told from headers and magic numbers; pickles stay closed."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from services.worker.diagnosis.weights import describe_checkpoint, weight_paths
from services.worker.models.families.look import look
from shared.messages.render import in_english
from shared.reports.model_files import Checkpoint
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.models.tiny_families import make_family


def describe(folder: Path) -> Checkpoint:
    return describe_checkpoint(folder, "folder", None)


class Payload:
    """A pickle that makes a folder when it is opened."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trap),)


@pytest.mark.parametrize(
    ("dtype", "name", "width"),
    [(torch.float32, "F32", 4), (torch.bfloat16, "BF16", 2), (torch.float16, "F16", 2)],
)
def test_dtype_and_parameters_come_from_the_headers(
    tmp_path: Path, dtype: torch.dtype, name: str, width: int
) -> None:
    checkpoint = describe(make_tiny_exaone(tmp_path / "model", dtype=dtype))
    assert checkpoint.parameters
    assert checkpoint.dtype_parameters == {name: checkpoint.parameters}
    headers = checkpoint.opened_bytes - width * checkpoint.parameters
    assert 0 < headers < 20_000
    assert checkpoint.bfloat16_bytes == 2 * checkpoint.parameters
    assert not checkpoint.quantized


def test_shards_are_opened_and_their_bytes_are_the_files_bytes(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path / "model", shards=3)
    checkpoint = describe(folder)
    assert [file.format for file in checkpoint.opened] == ["safetensors"] * 3
    assert checkpoint.shards == 3
    assert checkpoint.opened_bytes == sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert sum(file.tensors or 0 for file in checkpoint.opened) == 2 + 9 * 2


def test_nf4_takes_about_half_a_byte_for_each_weight_of_a_linear_layer(tmp_path: Path) -> None:
    layers = {f"model.layers.{n}.mlp.up_proj.weight": torch.zeros(512, 512) for n in range(4)}
    embedding = {"model.embed_tokens.weight": torch.zeros(100, 512)}
    save_file(layers | embedding, tmp_path / "model.safetensors")
    checkpoint = describe(tmp_path)
    linear = 4 * 512 * 512
    assert checkpoint.nf4_bytes is not None
    assert 0.515 * linear < checkpoint.nf4_bytes - 2 * 100 * 512 < 0.517 * linear


def test_a_quantized_checkpoint_counts_two_parameters_a_byte_and_no_scales(tmp_path: Path) -> None:
    weight = "model.layers.0.mlp.up_proj.weight"
    tensors = {
        weight: torch.zeros(512, 1, dtype=torch.uint8),
        f"{weight}.absmax": torch.zeros(16, dtype=torch.uint8),
        f"{weight}.quant_map": torch.zeros(16),
        f"{weight}.nested_absmax": torch.zeros(1),
        f"{weight}.quant_state.bitsandbytes__nf4": torch.zeros(80, dtype=torch.uint8),
        "model.norm.weight": torch.zeros(32, dtype=torch.bfloat16),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    checkpoint = describe(tmp_path)
    assert checkpoint.dtype_parameters == {"NF4": 1024, "BF16": 32}
    assert checkpoint.quantized


@pytest.mark.parametrize("name", ["attn.bias", "attn.masked_bias", "position_ids", "attention_mask"])
def test_integers_that_are_no_weights_do_not_make_a_checkpoint_quantized(tmp_path: Path, name: str) -> None:
    tensors = {"h.0.attn.weight": torch.zeros(64, 64), f"h.0.{name}": torch.ones(8, 8, dtype=torch.uint8)}
    save_file(tensors, tmp_path / "model.safetensors")
    assert not describe(tmp_path).quantized


def test_a_pickle_is_told_by_its_first_bytes_and_never_opened(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path, form="bin")
    trap = tmp_path / "opened"
    (tmp_path / "consolidated.pth").write_bytes(pickle.dumps(Payload(trap)))
    checkpoint = describe(tmp_path)
    assert {file.name: file.format for file in checkpoint.files} == {
        "consolidated.pth": "legacy pickle",
        "pytorch_model.bin": "pickle",
    }
    assert [file.name for file in checkpoint.opened] == ["pytorch_model.bin"]
    assert checkpoint.parameters is None
    assert not trap.exists()


def test_a_legacy_pickle_of_torch_is_told_from_a_zip(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert describe(tmp_path).files[0].format == "legacy pickle"


def test_with_both_formats_only_safetensors_are_opened(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path, form="bin")
    make_tiny_llama(tmp_path)
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx/model.onnx").write_bytes(b"graph")
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    (tmp_path / "training_args.bin").write_bytes(b"no weights")
    checkpoint = describe(tmp_path)
    assert [file.name for file in checkpoint.opened] == ["model.safetensors"]
    assert {file.name: file.format for file in checkpoint.files if not file.opened} == {
        "model.gguf": "gguf",
        "onnx/model.onnx": "other",
        "pytorch_model.bin": "pickle",
    }


def test_a_missing_shard_is_a_problem_of_the_set(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path / "model")
    (folder / "model-00002-of-00002.safetensors").unlink()
    checkpoint = describe(folder)
    assert checkpoint.opened == ()
    assert "model-00002-of-00002.safetensors" in in_english(checkpoint.problems[0])
    assert weight_paths(checkpoint) == [folder / "model-00001-of-00002.safetensors"]


@pytest.mark.parametrize("left", [0, 4, 100, -1])
def test_a_truncated_file_is_damaged(tmp_path: Path, left: int) -> None:
    file = make_tiny_llama(tmp_path / "model") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:left])
    checkpoint = describe(file.parent)
    assert checkpoint.opened[0].problem
    assert in_english(checkpoint.opened[0].problem).startswith("model.safetensors")


def test_a_link_to_nothing_is_a_missing_shard(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path / "model")
    shard = folder / "model-00001-of-00002.safetensors"
    shard.unlink()
    shard.symlink_to(tmp_path / "blob-that-was-pruned")
    assert "model-00001-of-00002.safetensors" in in_english(describe(folder).problems[0])


def test_the_files_of_a_hub_cache_are_found_behind_their_links(tmp_path: Path) -> None:
    entry = tmp_path / "models--org--name"
    blob = entry / "blobs/abc"
    blob.parent.mkdir(parents=True)
    make_tiny_llama(tmp_path / "source")
    (tmp_path / "source/model.safetensors").rename(blob)
    snapshot = entry / "snapshots/rev"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to(blob)
    checkpoint = describe(snapshot)
    assert weight_paths(checkpoint) == [blob]
    assert checkpoint.opened_bytes == blob.stat().st_size


def test_links_out_pipes_and_names_no_terminal_can_show_are_left_out(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "model")
    (tmp_path / "outside.bin").write_bytes(b"secret")
    (folder / "onnx").mkdir()
    (folder / "onnx/model.bin").symlink_to("../../outside.bin")
    (folder / "loop.bin").symlink_to("loop.bin")
    (folder / "a\x1b[2J.bin").write_bytes(b"x")
    with open(os.fsencode(folder) + b"/\xff.bin", "wb") as stream:  # noqa: PTH123
        stream.write(b"x")
    os.mkfifo(folder / "pipe.safetensors")
    checkpoint = describe(folder)
    assert [file.name for file in checkpoint.files] == ["model.safetensors"]
    assert Checkpoint.model_validate_json(checkpoint.model_dump_json()) == checkpoint


def test_an_empty_folder_has_no_weights_and_says_so(tmp_path: Path) -> None:
    checkpoint = describe(tmp_path)
    assert (checkpoint.files, checkpoint.opened_bytes) == ((), 0)
    assert "no weights" in in_english(checkpoint.problems[0])


def test_a_checkpoint_is_json(tmp_path: Path) -> None:
    checkpoint = describe(make_tiny_exaone(tmp_path / "model"))
    assert Checkpoint.model_validate(json.loads(checkpoint.model_dump_json())) == checkpoint


@pytest.mark.parametrize("family", ["mixtral", "falcon", "gpt2", "gemma3"])
def test_the_size_in_nf4_is_the_one_that_the_loader_reckons_with(tmp_path: Path, family: str) -> None:
    """Of experts, which a checkpoint holds as matrices and a model as stacks, it was once a third."""
    folder = make_family(tmp_path / family, family)
    seen = look(folder, quantization="nf4", dtype=torch.bfloat16)
    assert describe(folder).nf4_bytes == seen.abilities.loaded_bytes
