"""A made-up language: every word of the English files in brackets, so that English left over is seen."""

import re
from functools import cache

from fluent.syntax import FluentParser, FluentSerializer
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Transformer

from shared.messages.catalog import DEFAULT_LANGUAGE, message_files

LANGUAGE = "eo"  # the formats of numbers and lists need a language that exists


class _Bracketed(Transformer):
    def visit_TextElement(  # noqa: N802 (the library calls it so)
        self, node: ftl.TextElement
    ) -> ftl.TextElement:
        node.value = re.sub(r"\S[^\n]*\S|\S", lambda found: f"⟪{found.group(0)}⟫", node.value)
        return node


@cache
def made_up_language() -> str:
    """The text of its message file."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in message_files(DEFAULT_LANGUAGE))
    return str(FluentSerializer().serialize(_Bracketed().visit(FluentParser().parse(text))))


def left_over(sentence: str) -> str:
    """What stands outside the brackets: values alone, where nothing was composed elsewhere."""
    return re.sub(r"⟪[^⟫]*⟫", "", sentence).strip()
