"""The rows of `bench train`: the SMS Spam Collection, as it is or joined into longer messages."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HUB_DATA_SET = "ucirvine/sms_spam"
LABELS = ("ham", "spam")
ROWS = 2000
JOINED_ROWS = 640


class NoMessages(Exception):
    """The messages can't be had; the text says what to do."""


@dataclass(frozen=True)
class Message:
    text: str
    label: str


def read_messages(path: Path | None) -> list[Message]:
    """From a file of label, tab, text, or from the hub; raises `NoMessages`."""
    return list(_from_hub() if path is None else _from_file(path))


def shuffled(messages: Sequence[Message]) -> list[Message]:
    ordered = list(messages)
    random.Random(0).shuffle(ordered)
    return ordered


def joined(messages: Sequence[Message], characters: int) -> list[Message]:
    """Messages of like label on a line each, until they are `characters` long; all are used in turn."""
    rows: list[Message] = []
    queues = {label: [message.text for message in messages if message.label == label] for label in LABELS}
    used = dict.fromkeys(LABELS, 0)
    for message in messages[:JOINED_ROWS]:
        texts: list[str] = []
        while sum(map(len, texts)) < characters:
            queue = queues[message.label]
            texts.append(queue[used[message.label] % len(queue)])
            used[message.label] += 1
        rows.append(Message("\n".join(texts), message.label))
    return rows


def as_jsonl(messages: Sequence[Message]) -> str:
    """Rows of a classification data set."""
    rows = (json.dumps({"text": message.text, "label": message.label}) for message in messages)
    return "".join(row + "\n" for row in rows)


def _from_file(path: Path) -> Iterator[Message]:
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except OSError as error:
        raise NoMessages(f"{path} can't be read ({error.strerror}); name a file in --sms") from None
    except UnicodeDecodeError as error:
        raise NoMessages(f"{path} is no UTF-8 text ({error.reason}); name another in --sms") from None
    for number, line in enumerate(lines, start=1):
        label, tab, text = line.partition("\t")
        if not tab or label not in LABELS:
            raise NoMessages(
                f"{path}, line {number} is {line[:40]!r}: wanted is a label ({' or '.join(LABELS)}), a tab "
                "and the text"
            )
        yield Message(text, label)


def _from_hub() -> Iterator[Message]:
    import pyarrow.parquet
    from huggingface_hub import HfApi, hf_hub_download

    try:
        files = HfApi().list_repo_files(HUB_DATA_SET, repo_type="dataset")
        names = [name for name in files if name.endswith(".parquet")]
        paths = [hf_hub_download(HUB_DATA_SET, name, repo_type="dataset") for name in names]
    except Exception as error:  # the hub's client raises its own, its transport's and the system's
        raise NoMessages(
            f"the data set {HUB_DATA_SET} can't be had from the hub ({type(error).__name__}: "
            f"{str(error)[:200]}); name a file of label, tab, text in --sms"
        ) from None
    for path in paths:
        for row in pyarrow.parquet.read_table(path).to_pylist():
            yield Message(row["sms"].strip(), LABELS[row["label"]])
