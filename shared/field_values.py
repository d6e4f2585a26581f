"""Fields of a request with values, as a message carries them: marked, so that each border has its own words.

Over HTTP the mark reads as it would stand in a request's body: `"columns": {"text": "document"}`. The command
line finds it and writes options instead. Braces without the mark are text and stay as they are.
"""

import json
import re
from collections.abc import Callable, Mapping

NAME = "NAME"  # stands for a name that the reader has to choose
_MARKED = re.compile(r'`("(?:format|columns|plan)": [^`]*)`')


def marked(
    columns: Mapping[str, str] | None = None,
    *,
    format: str | None = None,
    plan: Mapping[str, int | bool] | None = None,
) -> str:
    """The fields `format`, `columns` and `plan` of a request, as members of JSON between backticks."""
    given = {"format": format, "columns": columns and dict(columns), "plan": plan and dict(plan)}
    fields = {name: value for name, value in given.items() if value}
    members = json.dumps(fields, ensure_ascii=False)
    return f"`{members[1:-1].replace('`', chr(92) + 'u0060')}`"


def reworded(sentence: str, words: Callable[[Mapping[str, object]], str]) -> str:
    """`sentence` with every marked set of fields in the words of a border."""

    def written(match: re.Match[str]) -> str:
        try:
            return words(json.loads("{" + match[1] + "}"))
        except ValueError:
            return match[0]

    return _MARKED.sub(written, sentence)
