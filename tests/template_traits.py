"""What a chat template does that not every one does, found by rendering short conversations with it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from services.worker.text.chat_template import ChatTemplate, TemplateRefusal
from services.worker.text.thoughts import TAGS
from tests.worker.text.families import Family, tokenizer_of

DAYS = (datetime(2025, 3, 1, tzinfo=UTC), datetime(2026, 4, 12, tzinfo=UTC))
SYSTEM, QUESTION, ANSWER, NEXT = ("Tunedockorders", "Tunedockasks", "Tunedockanswers", "Tunedockgoeson")
INSIDE = ("Tunedockmuses", "Tunedockponders")


def traits(family: Family) -> list[str]:
    """In words for docs/families.md."""
    template, another_day, thinking = (
        ChatTemplate.of(tokenizer_of(family), thinking=thinking, now=now)
        for thinking, now in ((False, DAYS[0]), (False, DAYS[1]), (True, DAYS[0]))
    )
    dated = _asked(template) != _asked(another_day)
    return [
        *_of_system(template, dated=dated),
        *_of_turns(template),
        *_of_thoughts(template, thinking, family.tag),
        *_of_tokens(template),
    ]


def _of_system(template: ChatTemplate, *, dated: bool) -> Iterator[str]:
    before_question = _asked(template).partition(QUESTION)[0]
    before_next = _rendered(template, QUESTION, ANSWER, NEXT).rpartition(NEXT)[0]
    if not before_next.endswith(before_question.removeprefix(template.tokenizer.bos_token or "")):
        yield "has a system turn of its own" + (", with a date, which stays the job's" if dated else "")
    try:
        ordered = _rendered(template, QUESTION, system=SYSTEM, generation_prompt=True)
    except TemplateRefusal:
        yield "refuses system messages: such rows are skipped and counted"
        return
    between = ordered.partition(SYSTEM)[2].partition(QUESTION)[0]
    if template.without_special_tokens(between) == between:
        yield "puts a system message into the question"
    if SYSTEM not in _rendered(template, QUESTION, ANSWER, system=SYSTEM):
        yield "drops a system message once an answer follows"


def _of_turns(template: ChatTemplate) -> Iterator[str]:
    try:
        template.render(
            [
                {"role": "user", "content": QUESTION},
                *({"role": "assistant", "content": words} for words in (ANSWER, NEXT)),
            ]
        )
    except TemplateRefusal:
        yield "wants user and assistant by turns"
    if _asked(template) == _rendered(template, QUESTION):
        yield "has no generation prompt"
    if f"  {ANSWER}  " not in _rendered(template, QUESTION, f"  {ANSWER}  "):
        yield "trims words"


def _of_thoughts(template: ChatTemplate, thinking: ChatTemplate, tag: str) -> Iterator[str]:
    if _asked(template) != _asked(thinking):
        yield "has a switch for thinking, set once for all rows"
    prompts = [_asked(one).partition(QUESTION)[2] for one in (template, thinking)]
    if any(written in prompt for pair in TAGS for written in pair for prompt in prompts):
        yield "opens or closes a thought in the generation prompt"
    answers = [f"<{tag}>\n{inside}\n</{tag}>\n\n{ANSWER}" for inside in INSIDE]
    text = _rendered(thinking, QUESTION, answers[0], NEXT, answers[1])
    if [inside in text for inside in INSIDE] == [False, True]:
        yield "leaves out the thoughts of earlier answers"


def _of_tokens(template: ChatTemplate) -> Iterator[str]:
    tokenizer = template.tokenizer
    text = _rendered(template, QUESTION, ANSWER)
    ends = template.end_of_turn(text, text.index(ANSWER)) or len(text)
    if template.without_special_tokens(text[ends:]) != text[ends:]:
        yield "ends a conversation with one more token, which is not learned"
    if text.startswith(str(tokenizer.eos_token)):
        yield "begins with the token that ends answers"
    if any(token.rstrip for token in tokenizer.added_tokens_decoder.values()):
        yield "has tokens that take white space along"


def _asked(template: ChatTemplate) -> str:
    return _rendered(template, QUESTION, generation_prompt=True)


def _rendered(
    template: ChatTemplate, *words: str, system: str | None = None, generation_prompt: bool = False
) -> str:
    """User and assistant by turns."""
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": content} for number, content in enumerate(words)]
    first = [] if system is None else [{"role": "system", "content": system}]
    return template.render([*first, *messages], generation_prompt=generation_prompt)
