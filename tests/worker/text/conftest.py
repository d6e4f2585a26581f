"""The fixtures of these tests."""

from tests.worker.training.tiny_bases import write_rows

__all__ = ["write_rows"]
