"""What an arm of `bench train` is told: files, sizes and how often it is asked; read in any environment."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainJob:
    """`rows` is a file of `token_file`, `start` a PEFT adapter folder, `model` a checkpoint's folder.

    The arm does `warm_up_steps`, then `turns` times `steps_per_turn`. `artifacts` keeps prepared copies of
    the model, `scratch` is the arm's own, `memory_cap_bytes` what a card may be filled with.
    """

    arm: str
    model: str
    rows: str
    start: str
    scratch: str
    artifacts: str
    device: str
    turns: int
    steps_per_turn: int
    warm_up_steps: int
    total_steps: int
    max_seq_length: int = 512
    rows_per_step: int = 16
    optim: str = "adamw_torch"
    learning_rate: float = 2e-4
    seed: int = 0
    memory_cap_bytes: int | None = None

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> "TrainJob":
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    @property
    def rows_path(self) -> Path:
        return Path(self.rows)

    @property
    def steps(self) -> int:
        return self.warm_up_steps + self.turns * self.steps_per_turn
