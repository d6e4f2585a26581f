"""Classification as a conversation: the message and the question on one side, the label on the other."""

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from services.worker.text.chat_template import ChatTemplate
from services.worker.text.marked_text import MarkedText, Span, TokenRow, tokenize
from services.worker.text.turns import turn_at


@dataclass(frozen=True)
class ClassificationPrompt:
    """What the model is asked, and the labels it may answer, sorted."""

    instruction: str
    labels: tuple[str, ...]

    @classmethod
    def of(cls, instruction: str | None, labels: list[str]) -> "ClassificationPrompt":
        ordered = tuple(sorted(set(labels)))
        return cls(instruction or default_instruction(ordered), ordered)

    def messages(self, text: str, label: str) -> list[dict[str, str]]:
        """The question about `text`, and `label` as its answer."""
        question = {"role": "user", "content": f"{self.instruction}\n\n{text}"}
        return [question, {"role": "assistant", "content": label}]

    def render(self, template: ChatTemplate, text: str, label: str, *, mark_all: bool = False) -> MarkedText:
        """Raises TemplateRefusal."""
        turn = turn_at(template, self.messages(text, label), 1)
        answers = (Span(turn.start, turn.end),)
        spans = (Span(0, len(turn.text)),) if mark_all else answers
        return MarkedText(turn.text, spans, answers=answers, stop=turn.unended)

    def fit(
        self,
        template: ChatTemplate,
        text: str,
        label: str,
        max_tokens: int,
        *,
        mark_all: bool = False,
    ) -> tuple[str, TokenRow] | None:
        """`text` cut at its end until the row with `label` has at most `max_tokens` tokens, and that row.

        The label must survive, so the message gives way. None if not even an empty message fits. Raises
        TemplateRefusal.
        """
        while True:
            marked = self.render(template, text, label, mark_all=mark_all)
            row = tokenize([marked], template.tokenizer)[0]
            excess = len(row) - max_tokens
            if excess <= 0:
                return text, row
            if not text:
                return None
            text = _without_last_tokens(template.tokenizer, text, excess)


def default_instruction(labels: tuple[str, ...]) -> str:
    """`Classify this message as ham or spam.`; the labels in order of their names."""
    listed = " or ".join(part for part in (", ".join(labels[:-1]), labels[-1]) if part)
    return f"Classify this message as {listed}."


def _without_last_tokens(tokenizer: PreTrainedTokenizerBase, text: str, tokens: int) -> str:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ends = [end for _, end in encoded["offset_mapping"]]
    kept = len(ends) - tokens
    # Several tokens may share the last character, so at least one character goes: the caller's loop ends.
    return text[: min(ends[kept - 1], len(text) - 1)] if kept > 0 else ""
