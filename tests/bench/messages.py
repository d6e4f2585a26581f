"""A few messages in the form that `bench train --sms` reads."""

from pathlib import Path

from bench.sms import Message

SPAM, HAM = "You won prize number {}, call now to get your cash!", "See you at {}, are you coming home?"


def some_messages(count: int) -> list[Message]:
    """Every third is spam, and longer ones are among them."""
    texts = ((SPAM if number % 3 == 0 else HAM).format(number) for number in range(count))
    return [
        Message(text + " ok" * (number % 7), "spam" if number % 3 == 0 else "ham")
        for number, text in enumerate(texts)
    ]


def write_messages(path: Path, count: int) -> Path:
    lines = (f"{message.label}\t{message.text}\n" for message in some_messages(count))
    path.write_text("".join(lines), encoding="utf-8")
    return path
