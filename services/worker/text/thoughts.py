"""The reasoning that an answer may begin with, between tags such as <think> and </think>."""

import re
from dataclasses import dataclass

TAGS = (
    ("<think>", "</think>"),
    ("<thought>", "</thought>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
)
CLOSINGS = tuple(closing for _, closing in TAGS)
_OPENED = re.compile(r"(?:<\w+>|\[[A-Z]+\])\s*$")


@dataclass(frozen=True)
class Thought:
    """`opening` is empty where the words go on from a prompt that opened the thought."""

    opening: str
    inside: str
    answer: str


def thought_in(content: str) -> Thought | None:
    """The thought that `content` begins with, and the answer after it; None without one."""
    for opening, closing in TAGS:
        before, found, answer = content.partition(closing)
        if not found:
            continue
        if before.lstrip().startswith(opening):
            return Thought(opening, before.lstrip()[len(opening) :], answer)
        if opening not in before:
            return Thought("", before, answer)
    return None


def same_words(rendered: str, content: str) -> bool:
    """Whether both say the same, up to white space around the thought and around the answer."""
    if rendered.strip() == content.strip():
        return True
    ours, theirs = thought_in(rendered), thought_in(content)
    if ours is None or theirs is None:
        return False
    return (ours.inside.strip(), ours.answer.strip()) == (theirs.inside.strip(), theirs.answer.strip())


def opening_at_end(prompt: str) -> str:
    """The tag with which `prompt` ends opening a thought, and the white space after it; empty without one."""
    match = _OPENED.search(prompt, max(0, len(prompt) - 64))
    return match[0] if match else ""


def closing_of(opened: str) -> str:
    """What closes `opened`: for `<think>` it is `</think>`."""
    tag = opened.strip()
    return f"{tag[0]}/{tag[1:]}"


def after_opening(content: str, opened: str) -> str | None:
    """`content` without the tag that a prompt ending in `opened` has opened already; None without a
    thought.
    """
    thought = thought_in(content)
    if thought is None:
        return None
    if not thought.opening:
        return content
    if thought.opening != opened.strip():
        return None
    rest = content.lstrip()[len(thought.opening) :]
    return rest.removeprefix("\n") if opened.endswith("\n") else rest
