"""The variables of the worker's child: what a user gave stays, but for what must not be otherwise."""

import os

import pytest

from services.worker.computing.predicting.counted_memory import COMPILED_BYTES
from services.worker.process.environment import COMPILED_PRODUCTS, set_environment

CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def test_compiled_products_are_bounded_as_predictions_take_them_to_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*CACHES, "OMP_WAIT_POLICY", "DISABLE_SAFETENSORS_CONVERSION"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    set_environment()
    assert {os.environ[name] for name in CACHES} == {str(COMPILED_PRODUCTS)}
    assert COMPILED_BYTES == COMPILED_PRODUCTS * 600_000


def test_what_a_user_gave_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CACHES, "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "7")
    set_environment()
    assert {os.environ[name] for name in CACHES} == {"7"}
