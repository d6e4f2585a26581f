"""A training loop without any trainer, as users write them: `python own_loop.py CAUSE` with one slow part.

Its last line on stdout is JSON: steps, losses, and the seconds of what it knows.
"""

import json
import sys
import time
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

SLOW = sys.argv[1]
STEPS = 6
ROWS = 4
WIDTH = 128


class Rows(Dataset[dict[str, torch.Tensor]]):
    """Rows of 8 real tokens, padded to `WIDTH`; full ones where padding is not the cause."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        if SLOW == "rows":
            time.sleep(0.03)
        real = 8 if SLOW == "padding" else WIDTH
        ids = torch.arange(WIDTH) % 7
        return {"input_ids": ids, "attention_mask": (torch.arange(WIDTH) < real).long(), "labels": ids}


def loss_of(model: torch.nn.Module, rows: dict[str, torch.Tensor]) -> torch.Tensor:
    scores = model(rows["input_ids"]).flatten(0, 1)
    return torch.nn.functional.cross_entropy(scores, rows["labels"].flatten())


def evaluate(model: torch.nn.Module, loader: DataLoader[Any]) -> None:
    with torch.no_grad():
        for rows in loader:
            loss_of(model, rows)
            time.sleep(0.1)


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    hidden = 256
    model = torch.nn.Sequential(
        torch.nn.Embedding(8, hidden), torch.nn.Linear(hidden, 4 * hidden), torch.nn.Linear(4 * hidden, 8)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    training, validation = DataLoader(Rows(ROWS * STEPS), ROWS), DataLoader(Rows(ROWS), ROWS)
    losses, spent = [], 0.0
    began = time.perf_counter()
    for rows in training:
        loss = loss_of(model, rows)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(round(loss.item(), 6))
        if SLOW == "evaluation":
            at = time.perf_counter()
            evaluate(model, validation)
            spent += time.perf_counter() - at
    seconds = time.perf_counter() - began
    print(json.dumps({"losses": losses, "seconds": seconds, "evaluation": spent}))


if __name__ == "__main__":
    main()
