"""Conversations through the model's own chat template, with the assistant's words marked."""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from services.worker.failures import FailureCode, JobFailed
from services.worker.text.marked_text import MarkedText

Message = dict[str, Any]


def require_chat_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise `JobFailed` (model_unsupported) for a tokenizer that can't render a conversation."""
    if not tokenizer.chat_template:
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            "The model's tokenizer has no chat template, so a conversation can't be rendered.",
            "Use an instruction-tuned model, or rows in the format text or prompt_completion.",
        )


def render_chat(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, mark_all: bool = False
) -> MarkedText | None:
    """The conversation as text; marked are the assistant's contents with their end tokens, or all of it.

    The newline that a template writes after an end token is not marked: at inference nobody generates it.
    None if the template refuses the conversation (roles that don't alternate, say).
    """
    text = _render(tokenizer, messages)
    if text is None:
        return None
    if mark_all:
        return MarkedText(text, ((0, len(text)),))
    turns = [index for index, message in enumerate(messages) if _is_learned(message)]
    spans = (_assistant_span(tokenizer, messages, index, text) for index in turns)
    return MarkedText(text, tuple(span for span in spans if span is not None))


def _is_learned(message: Message) -> bool:
    """An assistant's message, unless its row says `weight` 0."""
    return message["role"] == "assistant" and message.get("weight") != 0


def _assistant_span(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], index: int, text: str
) -> tuple[int, int] | None:
    """Where turn `index` stands in `text`, or None if the template writes it otherwise in full than up to it.

    Templates may change earlier turns once later ones follow (drop their reasoning, say). Such a turn is
    not what the model would have seen at its time, so it is not learned; the last turn always verifies.
    """
    prompt = _render(tokenizer, messages[:index], add_generation_prompt=True)
    until = text if index == len(messages) - 1 else _render(tokenizer, messages[: index + 1])
    if prompt is None or until is None:
        return None
    end = len(until.rstrip())
    if not (text.startswith(prompt) and text.startswith(until[:end])):
        return None
    start = len(prompt)
    if prompt == _render(tokenizer, messages[:index]):  # the template knows no generation prompt
        start += max(text[start:end].find(messages[index]["content"].strip()), 0)
    return (start, end) if start < end else None


def _render(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, add_generation_prompt: bool = False
) -> str | None:
    try:
        rendered = tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
        )
    except (TemplateError, IndexError):  # IndexError: transformers looks at the first message itself
        return None
    return str(rendered)
