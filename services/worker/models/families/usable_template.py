"""Whether a tokenizer's chat template can be used at all, tried on short conversations before any load."""

from collections.abc import Iterator
from typing import Any

from transformers import PreTrainedTokenizerBase

from services.worker.failures import FailureCode, JobFailed
from shared.messages.message import Message, say

REMEDY = say("use-instruction-tuned-model")
_QUESTION = {"role": "user", "content": "Hello"}
_ANSWER = {"role": "assistant", "content": "Good day"}
_SYSTEM = {"role": "system", "content": "Be short"}
_TRIALS = ([_QUESTION, _ANSWER], [_QUESTION], [_SYSTEM, _QUESTION, _ANSWER])


def choose_default(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Of several templates, none of them the default, take the only one that is not for tools.

    Returns its name if one was taken.
    """
    named = tokenizer.chat_template
    if not isinstance(named, dict) or "default" in named:
        return None
    ordinary = [name for name in named if "tool" not in name and "rag" not in name]
    if len(ordinary) != 1:
        return None
    tokenizer.chat_template = named[ordinary[0]]
    return str(ordinary[0])


def require_usable(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise JobFailed(MODEL_UNSUPPORTED) for a tokenizer that can't render any conversation."""
    if (reason := why_unusable(tokenizer)) is not None:
        raise JobFailed(FailureCode.MODEL_UNSUPPORTED, reason, REMEDY)


def why_unusable(tokenizer: PreTrainedTokenizerBase) -> Message | None:
    """None if some short conversation is rendered, be its contents text or lists of parts."""
    template = tokenizer.chat_template
    if not template:
        return say("no-chat-template")
    if isinstance(template, dict) and "default" not in template:
        names = [repr(name)[:50] for name in sorted(template)[:8]]
        return say("no-default-template", count=len(template), names=names)
    reasons = []
    for messages in (*_TRIALS, *([_in_parts(message) for message in trial] for trial in _TRIALS)):
        try:
            rendered = tokenizer.apply_chat_template(messages, tokenize=False)
        except Exception as error:  # a template is a program: its errors are of any kind
            reasons.append(say("template-fails", error=_first_line(error)))
            continue
        if str(rendered).strip():
            return None
        reasons.append(say("template-renders-nothing"))
    return reasons[0]


def rendered_samples(tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    """What the template writes around short contents, as far as it renders them."""
    for messages in _TRIALS:
        for with_prompt in (False, True):
            try:
                yield str(
                    tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=with_prompt)
                )
            except Exception:
                continue


def _in_parts(message: dict[str, str]) -> dict[str, Any]:
    return {**message, "content": [{"type": "text", "text": message["content"]}]}


def _first_line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
