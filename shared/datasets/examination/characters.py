"""Characters that trip models: what shows nothing, letters in pieces, letters of other alphabets, markup."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from shared.datasets.examination.noted import Noted
from shared.datasets.examination.scripts import by_script
from shared.datasets.findings import Tally
from shared.messages.said import say

CHARACTERS_LOOKED_AT = 5_000_000
THEN_EVERY = 20  # row, for the scripts alone
_NAMES_SHOWN = 6

# Nothing of these is seen. The two joiners and the variation selectors are left out: writing needs them.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f\x7f-\x9f]"
)
_ESCAPED_CONTROL = re.compile(r"(?<!\\)(?:\\\\)*\\u00(?:0[0-8bcef]|1[0-9a-f])")  # as JSON writes them
_ODD_SPACE = re.compile("[\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f]")
_REPLACE_SPACES = r're.sub("[\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f]", " ", text)'
# Greek beside Latin is a unit or a name (kΩ, IL-1β); within a word it is a look-alike.
_TWO_ALPHABETS = re.compile("[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]|[A-Za-z][\u0370-\u03ff][A-Za-z]")
_MARKUP = re.compile(
    r"</?(?:p|br|div|span|a|b|i|u|strong|em|ul|ol|li|table|tr|td|th|img|h[1-6]|script|style|font)\b[^<>]*>"
    r"|&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|user|assistant"
    r"|system|end)\|>|\[/?INST\]|<<SYS>>|<(?:start|end)_of_turn>|\[\|(?:user|assistant|system|endofturn)\|\]"
    r"|</s>|### ?(?:Instruction|Response):"
)


class Characters:
    """What was seen in the rows so far."""

    def __init__(self, *, is_chat: bool) -> None:
        """`is_chat`: a chat template is put around the texts."""
        self._is_chat = is_chat
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._unseen: Counter[str] = Counter()
        self._template: Counter[str] = Counter()
        self._markup: Counter[str] = Counter()
        self._has_composed = False
        self._signs: Counter[str] = Counter()
        self._looked_at = 0
        self._rows = 0

    def look(self, number: int, texts: Sequence[str], line: str) -> None:
        """Take note of a row's texts, and of the row as a line of JSON."""
        self._rows += 1
        if self._looked_at < CHARACTERS_LOOKED_AT or self._rows % THEN_EVERY == 0:
            for text in texts:
                self._looked_at += len(text)
                self._signs.update(text)
        if "\\\\n" in line and "\\n" not in line.replace("\\\\", ""):
            self._tallies["escaped"].add(number)
        if not line.isascii():
            self._look_beyond_ascii(number, line)
        if "\\u00" in line and (found := _ESCAPED_CONTROL.findall(line)):
            self._note_unseen(number, (chr(int(one[-4:], 16)) for one in found))
        if ("<" in line or "&" in line) and (found := _MARKUP.findall(line)):
            self._tallies["markup"].add(number)
            self._markup.update(found)
        if self._is_chat and ("<" in line or "[" in line or "#" in line):
            self._look_for_template(number, line)

    def scripts(self) -> dict[str, float]:
        """The share of each script's letters among those looked at, the largest first."""
        found = by_script(self._signs)
        return {script: count / found.total() for script, count in found.most_common()}

    def findings(self) -> Iterator[Noted]:
        if unseen := self._tallies.get("unseen"):
            yield Noted.of_rows(
                "invisible_characters",
                "warning",
                unseen,
                say("invisible-characters", rows=unseen.count),
                say("remove-invisible-characters"),
                [say("characters-seen", characters=_named(self._unseen), more=_more(self._unseen))],
            )
        if pieces := self._tallies.get("pieces"):
            said = say("letters-in-pieces", rows=pieces.count, others_composed=self._has_composed)
            remedy = say("compose-letters", command='unicodedata.normalize("NFC", text)')
            yield Noted.of_rows("letters_in_pieces", "warning", pieces, said, remedy)
        if alphabets := self._tallies.get("alphabets"):
            said = say("letters-of-two-alphabets", rows=alphabets.count)
            yield Noted.of_rows(
                "letters_of_two_alphabets", "warning", alphabets, said, say("write-one-alphabet")
            )
        if template := self._tallies.get("template"):
            said = say("template-in-texts", rows=template.count)
            seen = [say("written-pieces", pieces=_shown(self._template), more=_more(self._template))]
            yield Noted.of_rows("template_in_texts", "warning", template, said, say("remove-template"), seen)
        if escaped := self._tallies.get("escaped"):
            said = say("line-ends-escaped", rows=escaped.count)
            yield Noted.of_rows("line_ends_escaped", "warning", escaped, said, say("write-real-line-ends"))
        if markup := self._tallies.get("markup"):
            seen = [say("written-pieces", pieces=_shown(self._markup), more=_more(self._markup))]
            said = say("markup-in-texts", rows=markup.count)
            yield Noted.of_rows("markup_in_texts", "note", markup, said, say("remove-markup"), seen)
        if spaces := self._tallies.get("spaces"):
            said = say("odd-spaces", rows=spaces.count)
            yield Noted.of_rows(
                "odd_spaces", "note", spaces, said, say("write-plain-spaces", command=_REPLACE_SPACES)
            )

    def _look_beyond_ascii(self, number: int, line: str) -> None:
        if found := _UNSEEN.findall(line):
            self._note_unseen(number, found)
        if _ODD_SPACE.search(line):
            self._tallies["spaces"].add(number)
        if _TWO_ALPHABETS.search(line):
            self._tallies["alphabets"].add(number)
        if not unicodedata.is_normalized("NFC", line):
            self._tallies["pieces"].add(number)
        elif not self._has_composed:
            self._has_composed = not unicodedata.is_normalized("NFD", line)

    def _note_unseen(self, number: int, signs: Iterator[str] | list[str]) -> None:
        self._tallies["unseen"].add(number)
        self._unseen.update(signs)

    def _look_for_template(self, number: int, line: str) -> None:
        if found := _TEMPLATE.findall(line):
            self._tallies["template"].add(number)
            self._template.update(found)


def _named(signs: Counter[str]) -> list[str]:
    """`U+200B zero width space (12)`."""
    return [f"U+{ord(sign):04X} {_name(sign)} ({count:,})" for sign, count in signs.most_common(_NAMES_SHOWN)]


def _name(sign: str) -> str:
    """Unicode's; control characters have none."""
    return unicodedata.name(sign, "control character").lower()


def _shown(pieces: Counter[str]) -> list[str]:
    return [f"{piece[:40]} ({count:,})" for piece, count in pieces.most_common(_NAMES_SHOWN)]


def _more(counted: Counter[str]) -> int:
    return max(0, len(counted) - _NAMES_SHOWN)
