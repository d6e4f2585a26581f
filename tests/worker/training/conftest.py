"""The fixtures of these tests."""

import pytest

from tests.worker.training.tiny_bases import (
    exaone,
    llama,
    llama_nf4,
    spam_rows,
    tiny_llama_folder,
    write_rows,
)


@pytest.fixture(autouse=True)
def _short_timings(short_timings: None) -> None:
    """In every test of this folder."""


__all__ = ["exaone", "llama", "llama_nf4", "spam_rows", "tiny_llama_folder", "write_rows"]
