"""A sentence whose parts between backticks are code."""

import re

from markupsafe import Markup, escape


def coded(sentence: str) -> Markup:
    """As HTML: everything is escaped, and what stands between backticks is in `<code>`."""
    pieces = re.split(r"`([^`]+)`", sentence)
    marked = [
        Markup("<code>{}</code>").format(piece) if at % 2 else escape(piece)
        for at, piece in enumerate(pieces)
    ]
    return Markup("").join(marked)
