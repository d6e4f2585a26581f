"""The token rows that all arms of `bench train` share, as one file that any environment can read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file


@dataclass(frozen=True)
class TokenFile:
    """`ids` int32 and `targets` bool by row; `order` says which rows are taken, 16 and 16, step by step.

    A token is a target if it is to be predicted from those before it. Lists, so that a peer's library can
    take them as they are.
    """

    ids: list[list[int]]
    targets: list[list[bool]]
    order: list[int]

    def __post_init__(self) -> None:
        if not self.order or max(self.order) >= len(self.ids):
            raise ValueError(f"an order over {len(self.ids)} rows names row {max(self.order, default=None)}")

    @property
    def tokens(self) -> int:
        return sum(map(len, self.ids))

    def labels(self, row: int) -> list[int]:
        """What transformers calls labels: the id where it is a target, -100 elsewhere."""
        pairs = zip(self.ids[row], self.targets[row], strict=True)
        return [token if is_target else -100 for token, is_target in pairs]

    def write(self, path: Path) -> Path:
        lengths = np.array([len(row) for row in self.ids], dtype=np.int32)
        save_file(
            {
                "ids": _flat(self.ids, np.int32),
                "targets": _flat(self.targets, np.bool_),
                "lengths": lengths,
                "order": np.array(self.order, dtype=np.int32),
            },
            path,
        )
        return path

    @classmethod
    def read(cls, path: Path) -> "TokenFile":
        tensors = load_file(path)
        ends = np.cumsum(tensors["lengths"])[:-1]
        return cls(
            [row.tolist() for row in np.split(tensors["ids"], ends)],
            [row.tolist() for row in np.split(tensors["targets"], ends)],
            tensors["order"].tolist(),
        )


def _flat(rows: list[list[int]] | list[list[bool]], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    return np.concatenate([np.asarray(row, dtype=dtype) for row in rows])
