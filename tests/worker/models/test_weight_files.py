"""A damaged or dishonest checkpoint is refused by its headers, before anything is loaded."""

import json
import struct
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files import weight_files
from services.worker.models.files.weight_files import find_weights, read_header, read_headers
from tests.tiny_models import make_tiny_exaone, make_tiny_llama


def written(folder: Path, header: object, values: bytes = b"") -> Path:
    text = json.dumps(header).encode()
    file = folder / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text + values)
    return file


def tensor(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def failure_of(file: Path) -> str:
    with pytest.raises(JobFailed) as failed:
        read_header(file)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE
    assert file.name in failed.value.failure.message
    return failed.value.failure.message


def test_a_header_tells_names_shapes_and_dtypes(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.bfloat16)}, tmp_path / "x.safetensors")
    header = read_header(tmp_path / "x.safetensors")
    assert {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()} == {
        "a": ("F32", [2, 3]),
        "b": ("BF16", [4]),
    }


def test_a_truncated_shard_is_named(tmp_path: Path) -> None:
    make_tiny_exaone(tmp_path)
    file = tmp_path / "model-00002-of-00002.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    assert "truncated" in failure_of(file)


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    assert "4,611,686,018,427,387,904 bytes, and in a file of 10 it may have 2." in failure_of(file)


def test_a_header_larger_than_the_limit_is_not_read_even_if_the_file_is(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", 200_000_000))
        stream.truncate(300_000_000)  # sparse
    assert "200,000,000 bytes, and in a file of 300,000,000 it may have 25,000,000." in failure_of(file)


def test_a_deeply_nested_header_is_damage_not_a_crash(tmp_path: Path) -> None:
    text = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    file = tmp_path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    assert "damaged" in failure_of(file)


@pytest.mark.parametrize(
    ("first", "second", "bytes_in_file"),
    [((0, 8), (4, 12), 12), ((0, 8), (0, 8), 8), ((0, 8), (12, 20), 20), ((4, 12), (12, 20), 20)],
    ids=["overlapping", "twice the same", "a hole", "a hole at the start"],
)
def test_tensors_that_do_not_lie_one_after_the_other_are_refused(
    tmp_path: Path, first: tuple[int, int], second: tuple[int, int], bytes_in_file: int
) -> None:
    header = {"a": tensor(*first, [2]), "b": tensor(*second, [2])}
    assert "overlap or leave a hole" in failure_of(written(tmp_path, header, bytes(bytes_in_file)))


@pytest.mark.parametrize(
    "header",
    [
        {"a": tensor(0, 400, [2, 3])},  # beyond the file
        {"a": tensor(0, 24, [2, 4])},  # fewer bytes than the shape needs
        {"a": tensor(24, 0, [2, 3])},
        {"a": tensor(-24, 0, [2, 3])},
        {"a": tensor(0, 24, [-2, -3])},
        {"a": {"dtype": "F32", "shape": [2, 3]}},
        {"a": "weights"},
        {"a": tensor(0, 24, [2, 3], "EVIL")},
        {"a": tensor(0, 24, [2, 3]) | {"dtype": 5}},
        {"a": tensor(0, 24, [2, 3]) | {"dtype": []}},
        {"a": tensor(0, 24, [True, 6])},
        {"a": tensor(0, 24, [1] * 17 + [6])},
        {"a": tensor(0, 24, [0, 10**30])},
        {"a": tensor(0, 24, [2, 3]), "__metadata__": 5},
        {"a": tensor(0, 24, [2, 3]), "__metadata__": {"b": {}}},
        ["a"],
        "a",
    ],
)
def test_offsets_that_do_not_fit_are_damage(tmp_path: Path, header: object) -> None:
    failure_of(written(tmp_path, header, bytes(24)))


def test_what_a_header_says_twice_is_refused_since_readers_differ(tmp_path: Path) -> None:
    entry = json.dumps(tensor(0, 8, [2]))
    text = f'{{"a": {entry}, "a": {entry}}}'.encode()
    file = tmp_path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    assert "twice" in failure_of(file)


@pytest.mark.parametrize("text", [b"[]," * 200_000 + b"[]", b'{"x":{}},' * 200_000 + b"{}"])
def test_a_header_that_only_wants_memory_is_not_parsed(tmp_path: Path, text: bytes) -> None:
    text = b'{"a":[' + text + b"]}"
    file = tmp_path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    assert "nests more lists and objects than tensors need" in failure_of(file)


def test_a_name_in_a_message_is_short_and_printable(tmp_path: Path) -> None:
    header = {"\x1b[2J\ud800" + "n" * 100_000: tensor(0, 23, [2, 3])}
    message = failure_of(written(tmp_path, header, bytes(24)))
    assert message.isprintable()
    assert len(message) < 600


def test_all_headers_of_a_checkpoint_together_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, {"a": tensor(0, 24, [2, 3])}, bytes(24))
    assert read_headers([file] * 3).keys() == {"a"}
    monkeypatch.setattr(weight_files, "LONGEST_HEADERS_BYTES", 150)
    with pytest.raises(JobFailed, match="more than 150 bytes"):
        read_headers([file] * 3)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_either_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, framed: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "noise.safetensors"
    file.write_bytes(struct.pack("<Q", len(noise)) + noise if framed else noise)
    with suppress(JobFailed):  # anything else would escape and fail the test
        assert isinstance(read_header(file), dict)


def test_safetensors_win_over_pickles_as_in_transformers(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path, form="bin")
    assert find_weights(tmp_path).form == "bin"
    make_tiny_llama(tmp_path)
    weights = find_weights(tmp_path)
    assert (weights.form, [file.name for file in weights.files]) == ("safetensors", ["model.safetensors"])
    assert weights.bytes == (tmp_path / "model.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("shard", "said"),
    [
        ("../model-00001-of-00002.safetensors", "not a file name"),
        ("/etc/hostname", "not a file name"),
        ("..", "not a file name"),
        ("a/b.safetensors", "not a file name"),
        ("a\x1b[2J.safetensors", "not a file name"),
        ("n" * 300, "not a file name"),
        ("model-00007-of-00002.safetensors", "missing"),
    ],
)
def test_an_index_may_only_name_shards_beside_it(tmp_path: Path, shard: str, said: str) -> None:
    make_tiny_exaone(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["transformer.ln_f.weight"] = shard
    index.write_text(json.dumps(content))
    with pytest.raises(JobFailed, match=said) as failed:
        find_weights(tmp_path)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE
    assert repr(shard)[1:50] in failed.value.failure.message


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        "not json",
        '{"metadata": {}, "weight_map": {}}',
        '{"metadata": {}, "weight_map": [1]}',
        '{"metadata": {}, "weight_map": {"a": {"b": 1}}}',
        '{"weight_map": {"a": "model.safetensors"}}',
        '{"metadata": 5, "weight_map": {"a": "model.safetensors"}}',
    ],
)
def test_an_index_without_a_map_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(JobFailed) as failed:
        find_weights(tmp_path)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE


def test_a_folder_without_weights_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match=r"model\.safetensors"):
        find_weights(tmp_path)
