"""The rows of `bench factors`: a data set as the API's reader hands it on, and the same rows as tokens."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from bench.sms import LABELS, Message, as_jsonl, joined, shuffled
from bench.train_arms.token_file import TokenFile
from bench.train_inputs import JOINED_CHARACTERS
from services.worker.text.dataset_file import DatasetFile
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import encode_dataset
from shared.schemas.datasets import DatasetSummary

CASES = ("sms", "full512")


@dataclass(frozen=True)
class CaseRows:
    """`ids` and `targets` by row, as a job encodes the rows of `data`."""

    data: DatasetFile
    ids: list[list[int]]
    targets: list[list[bool]]

    @property
    def mean_tokens(self) -> float:
        return sum(map(len, self.ids)) / len(self.ids)

    def in_order(self, order: list[int]) -> TokenFile:
        return TokenFile(self.ids, self.targets, order)


def case_rows(
    case: str,
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    *,
    rows: int,
    longest: int,
    folder: Path,
    now: datetime,
) -> CaseRows:
    """`rows` messages as they are, or joined to fill `longest` tokens. `folder` gets the data set's file."""
    chosen = shuffled(messages)
    chosen = chosen[:rows] if case == "sms" else joined(chosen, JOINED_CHARACTERS)[:rows]
    data = write_dataset(chosen, folder / "rows.jsonl")
    rules = RowRules.of(data, loss_on=None, max_seq_length=longest, instruction=None, now=now)
    made = encode_dataset(data, rules, tokenizer).rows
    return CaseRows(data, [row.ids.tolist() for row in made], [row.targets.tolist() for row in made])


def write_dataset(messages: Sequence[Message], path: Path) -> DatasetFile:
    content = as_jsonl(messages).encode()
    path.write_bytes(content)
    summary = DatasetSummary(
        format="classification",
        rows=len(messages),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        labels=list(LABELS),
    )
    return DatasetFile(path, summary)


def turns_order(rows: int, *, warm_up: int, turns: int, of_turn: int, seed: int) -> list[int]:
    """Rows of `warm_up`, then `of_turn` of each turn: turns of as many rows as there are have each of them
    once, every time in another order.
    """
    draw, order = random.Random(seed), list[int]()
    for count in (warm_up, *[of_turn] * turns):
        epoch = list[int]()
        while len(epoch) < count:
            epoch += draw.sample(range(rows), rows)
        order += epoch[:count]
    return order
