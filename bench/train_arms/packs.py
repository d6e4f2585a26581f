"""Rows put end to end into packs of the full length, for peers that want them packed by others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from bench.train_arms.job import TrainJob
from bench.train_arms.token_file import TokenFile


@dataclass(frozen=True)
class Packs:
    """`rows` of each pack by number; `per_step` packs hold about 16 of them."""

    rows: list[list[int]]
    tokens: list[int]
    per_step: int

    @classmethod
    def of(cls, file: TokenFile, job: TrainJob) -> "Packs":
        """Longest rows first, each into the fullest pack that has room for it (best fit decreasing)."""
        packs: list[list[int]] = []
        room: list[int] = []
        for row in sorted(range(len(file.ids)), key=lambda row: len(file.ids[row]), reverse=True):
            length = len(file.ids[row])
            fitting = [pack for pack, free in enumerate(room) if free >= length]
            if fitting:
                pack = min(fitting, key=room.__getitem__)
                packs[pack].append(row)
                room[pack] -= length
            else:
                packs.append([row])
                room.append(job.max_seq_length - length)
        mean = file.tokens / len(file.ids) * job.rows_per_step
        return cls(
            packs, [job.max_seq_length - free for free in room], max(1, round(mean / job.max_seq_length))
        )

    def numbered(self, file: TokenFile) -> list[dict[str, Any]]:
        """`attention_mask` numbers a pack's rows from 1; a row's first token is no target."""
        return [
            {
                "input_ids": [token for row in pack for token in file.ids[row]],
                "labels": [label for row in pack for label in file.labels(row)],
                "attention_mask": [number for number, row in enumerate(pack, 1) for _ in file.ids[row]],
            }
            for pack in self.rows
        ]

    def counts(self) -> Callable[[], tuple[float, int]]:
        """Rows and tokens of an average step: packs are alike in tokens, not in rows, and come shuffled."""
        share = self.per_step / len(self.rows)
        average = (share * sum(map(len, self.rows)), round(share * sum(self.tokens)))
        steps: Iterator[tuple[float, int]] = cycle([average])
        return steps.__next__
