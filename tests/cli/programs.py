"""Small real programs for a PATH of the test's own."""

from pathlib import Path


def make_program(path: Path, script: str) -> Path:
    """A shell script that can be run by its name."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
