"""How the rows of a job are written and which of their tokens are learned."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.worker.failures import FailureCode, JobFailed
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.dataset_file import DatasetFile, read_rows
from services.worker.text.thoughts import CLOSINGS, thought_in
from shared.messages.message import say
from shared.schemas.fields import LongText, RowFormat

LossOn = Literal["completion", "all"]


@dataclass(frozen=True)
class RowRules:
    """`thinking`: whether answers begin with a thought, for templates that have a switch for it. `now`: the
    date that a template may write; None is today.
    """

    format: RowFormat
    loss_on: LossOn
    max_seq_length: int
    prompt: ClassificationPrompt | None = None
    long_text: LongText = "cut"
    thinking: bool = False
    now: datetime | None = None

    @classmethod
    def of(
        cls,
        data: DatasetFile,
        *,
        loss_on: LossOn | None,
        max_seq_length: int,
        instruction: str | None,
        long_text: LongText | None = None,
        thinking: bool | None = None,
        now: datetime | None = None,
    ) -> "RowRules":
        """`loss_on` None means completion, and all for text; `long_text` None means cut, and split for text;
        `thinking` None is as the rows have it. Raises `JobFailed` for what the format has not.
        """
        shape = data.summary.format
        if shape == "text" and loss_on == "completion":
            raise JobFailed(
                FailureCode.DATASET_INVALID,
                say("text-has-no-completion"),
                say("leave-out-loss-on"),
            )
        if shape != "text" and long_text == "split":
            raise JobFailed(
                FailureCode.DATASET_INVALID,
                say("format-not-split", format=shape),
                say("leave-out-long-text"),
            )
        prompt = None
        if shape == "classification":
            prompt = ClassificationPrompt.of(instruction, data.summary.labels or [])
        if thinking is None:
            thinking = shape == "chat" and has_thoughts(data)
        text = shape == "text"
        return cls(
            shape,
            loss_on or ("all" if text else "completion"),
            max_seq_length,
            prompt,
            long_text or ("split" if text else "cut"),
            thinking,
            now,
        )

    def like(self, others: "RowRules") -> "RowRules":
        """Written as the rows of `others` are: the same question, with or without thoughts as they."""
        prompt = others.prompt if self.prompt is not None and others.prompt is not None else self.prompt
        return replace(self, prompt=prompt, thinking=others.thinking)


def has_thoughts(data: DatasetFile) -> bool:
    """Whether an answer in `data` begins with a thought."""
    with data.path.open(encoding="utf-8") as lines:
        if not any(closing in line for line in lines for closing in CLOSINGS):
            return False
    return any(
        message["role"] == "assistant" and thought_in(message["content"]) is not None
        for row in read_rows(data)
        for message in row["messages"]
    )
