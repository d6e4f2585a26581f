"""The fixtures of these tests."""

from tests.worker.training.tiny_bases import (
    exaone,
    llama,
    llama_nf4,
    spam_rows,
    tiny_llama_folder,
    write_rows,
)

__all__ = ["exaone", "llama", "llama_nf4", "spam_rows", "tiny_llama_folder", "write_rows"]
