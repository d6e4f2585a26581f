"""What is odd about the answers of conversations and completions: cut, the same, the question again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from shared.datasets.examination.noted import Noted
from shared.datasets.examination.question_and_answer import QuestionAndAnswer
from shared.datasets.examination.scripts import main_script
from shared.datasets.findings import Tally
from shared.datasets.labels import printable
from shared.messages.said import say

MOST_DIFFERENT = 100_000
ROWS_BY_SCRIPT = 2000
FEW_ANSWERS, ROWS_PER_FEW = 50, 10  # so few answers, each in so many rows on average, are classes
_LEAST_ROWS = 10
_LEAST_CUT, _CUT_SHARE, _CUT_CHARACTERS = 3, 0.01, 100
_DOMINATES = 0.5
_ODD_SCRIPT_SHARE = 0.3


class Answers:
    """What was seen so far; not for texts and labels."""

    def __init__(self, *, is_chat: bool) -> None:
        self._is_chat = is_chat
        self._rows = 0
        self._lengths: Counter[int] = Counter()
        self._first_of_length: dict[int, int] = {}
        self._counts: Counter[int] = Counter()
        self._first: dict[int, int] = {}
        self._texts: dict[int, str] = {}
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._scripts: dict[tuple[str, str], Tally] = defaultdict(Tally)

    def look(self, number: int, row: QuestionAndAnswer) -> None:
        self._rows += 1
        answer = row.answer
        self._lengths[len(answer)] += 1
        self._first_of_length.setdefault(len(answer), number)
        key = hash(answer)
        if key in self._counts or len(self._counts) < MOST_DIFFERENT:
            self._counts[key] += 1
            self._first.setdefault(key, number)
            if self._counts[key] == 2:  # those that come once are nobody's matter
                self._texts[key] = answer[:80]
        if row.question.strip() == answer.strip():
            self._tallies["echo"].add(number)
        if answer[-1:].isspace() or (self._is_chat and answer[:1].isspace()):
            self._tallies["spaces"].add(number)
        if row.has_system:
            self._tallies["system"].add(number)
        if self._rows <= ROWS_BY_SCRIPT:
            asked, answered = main_script(row.question[:1000]), main_script(answer[:1000])
            if asked and answered:
                self._scripts[asked, answered].add(number)

    def findings(self) -> Iterator[Noted]:
        yield from self._same()
        if echo := self._tallies.get("echo"):
            said = say("answers-repeat-question", rows=echo.count)
            yield Noted.of_rows("answers_repeat_question", "warning", echo, said, say("write-the-answers"))
        yield from self._cut_off()
        yield from self._other_script()
        if spaces := self._tallies.get("spaces"):
            said = say("answers-with-spaces", rows=spaces.count)
            yield Noted.of_rows("answers_with_spaces", "note", spaces, said, say("strip-answers"))
        system = self._tallies.get("system")
        if system and system.count < self._rows:
            said = say("system-in-some", rows=system.count, of=self._rows)
            yield Noted.of_rows("system_in_some", "note", system, said, say("write-system-everywhere"))

    def _same(self) -> Iterator[Noted]:
        if self._rows < _LEAST_ROWS or not self._counts:
            return
        key, count = self._counts.most_common(1)[0]
        lines, answer = (self._first[key],), printable(self._texts.get(key, ""), 60)
        different = len(self._counts)
        if different == 1:
            said = say("answers-all-same", rows=self._rows, answer=answer)
            yield Noted("answers_all_same", "warning", said, (), say("map-other-answer"), lines, count)
        elif different <= FEW_ANSWERS and self._rows >= different * ROWS_PER_FEW:
            said = say("answers-are-classes", rows=self._rows, different=different)
            most = say("answer-most-frequent", answer=answer, rows=count)
            yield Noted("answers_are_classes", "note", said, (most,), say("use-classification"), lines, count)
        elif count > _DOMINATES * self._rows:
            said = say(
                "answer-dominates", rows=count, of=self._rows, answer=answer, share_ratio=count / self._rows
            )
            yield Noted("answer_dominates", "warning", said, (), say("thin-out-answer"), lines, count)

    def _cut_off(self) -> Iterator[Noted]:
        """Where many answers have the length of the longest, a program has cut them there."""
        longest = max(self._lengths, default=0)
        count = self._lengths[longest]
        are_different = len(self._counts) > count / 2  # one long answer that comes often is not cut
        is_odd = count >= max(_LEAST_CUT, _CUT_SHARE * self._rows) and are_different
        if longest >= _CUT_CHARACTERS and is_odd and count < self._rows:
            said = say("answers-cut-off", rows=count, characters=longest)
            lines = (self._first_of_length[longest],)
            yield Noted("answers_cut_off", "warning", said, (), say("export-whole-answers"), lines, count)

    def _other_script(self) -> Iterator[Noted]:
        """Few rows that answer in another script than they are asked in; all of them are translations."""
        odd = {pair: tally for pair, tally in self._scripts.items() if pair[0] != pair[1]}
        seen, rows = sum(tally.count for tally in self._scripts.values()), 0
        for (asked, answered), tally in sorted(odd.items(), key=lambda item: -item[1].count):
            rows = tally.count
            if rows <= _ODD_SCRIPT_SHARE * seen:
                said = say("answers-in-other-script", rows=rows, of=seen, asked=asked, answered=answered)
                remedy = say("answer-in-one-language")
                yield Noted.of_rows("answers_in_other_script", "note", tally, said, remedy)
                return
