"""The rendered rows of a job, kept in its folder until it ends: a resumed run learns them on any day."""

import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from services.worker.text.marked_text import TokenRow
from services.worker.text.row_counts import RowCounts
from services.worker.text.rows import TokenRows
from shared import sealed_folder
from shared.job_folder import JobFolder

_SUFFIX = ".safetensors"


def keep_rows(
    job_folder: JobFolder, attempt: int, made_from: Mapping[str, Any], parts: Mapping[str, TokenRows]
) -> None:
    """Make `parts` durable as `job_folder/tokens`; what was there goes. `made_from` is what decides them.

    Raises OSError, and leaves nothing half written.
    """
    temporary, target = job_folder.attempt(attempt).tokens_draft, job_folder.tokens
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        for name, rows in parts.items():
            (temporary / f"{name}{_SUFFIX}").write_bytes(save(_arrays(rows.rows)))
        counts = {name: rows.counts.as_dict() for name, rows in parts.items()}
        sealed_folder.seal(temporary, {"made_from": dict(made_from), "counts": counts})
        shutil.rmtree(target, ignore_errors=True)
        sealed_folder.publish(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def kept_rows(job_folder: JobFolder, made_from: Mapping[str, Any]) -> dict[str, TokenRows] | None:
    """The rows kept in `job_folder` by part, if they are whole and were made from the same, else None."""
    folder = job_folder.tokens
    manifest = sealed_folder.verified_manifest(folder)
    if manifest is None or manifest.get("made_from") != made_from:
        return None
    return {
        name: TokenRows(_rows(load((folder / f"{name}{_SUFFIX}").read_bytes())), RowCounts.of(counts))
        for name, counts in manifest["counts"].items()
    }


def _arrays(rows: list[TokenRow]) -> dict[str, npt.NDArray[Any]]:
    """ids int32 [tokens of all rows], targets bool likewise, lengths int64 [rows]."""
    return {
        "ids": np.concatenate([row.ids for row in rows]),
        "targets": np.concatenate([row.targets for row in rows]),
        "lengths": np.array([len(row) for row in rows], dtype=np.int64),
    }


def _rows(arrays: Mapping[str, npt.NDArray[Any]]) -> list[TokenRow]:
    ends = np.cumsum(arrays["lengths"])[:-1]
    pairs = zip(np.split(arrays["ids"], ends), np.split(arrays["targets"], ends), strict=True)
    return [TokenRow(ids, targets) for ids, targets in pairs]
