"""One file's rows as tokens: lengths beside the limit, letters by script, and what became of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.api.page_kit.bars import Bar
from services.api.page_kit.rows import Row
from services.api.page_kit.scales import Scale
from services.api.page_kit.shares import in_hundred
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.data_tokens import ScriptTokens, TokenPart


@dataclass(frozen=True)
class ScriptBars:
    """Tokens a letter: as it is, and as usual where that was measured."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class PartPicture:
    """`limit_at`: in percent, of the longest row that is not cut."""

    part: str
    title: str
    lengths: tuple[Bar, ...]
    limit_at: float
    scripts: tuple[ScriptBars, ...]
    rows: tuple[Row, ...]


def picture(part: TokenPart, limit: int) -> PartPicture:
    lengths = _lengths(part)
    scale = Scale.over([limit, *(tokens for _, tokens in lengths)])
    return PartPicture(
        part=part.part,
        title=told(say("token-part-title", part=part.part)),
        lengths=tuple(
            Bar("measured", told(label), tokens, scale.percent(tokens)) for label, tokens in lengths
        ),
        limit_at=scale.percent(limit),
        scripts=_scripts(part),
        rows=tuple(_rows(part)),
    )


def _lengths(part: TokenPart) -> list[tuple[Message, float]]:
    tokens = part.tokens
    return [
        (say("mean-row-label"), tokens.mean),
        (say("half-of-rows-label"), tokens.p50),
        (say("most-rows-label"), tokens.p95),
        (say("longest-row-label"), part.longest_tokens or tokens.longest),
    ]


def _scripts(part: TokenPart) -> tuple[ScriptBars, ...]:
    known = [one.usual_tokens_per_letter or 0.0 for one in part.scripts]
    scale = Scale.over([one.tokens_per_letter for one in part.scripts] + known)
    return tuple(ScriptBars(one.script, tuple(_of_script(one, scale))) for one in part.scripts)


def _of_script(one: ScriptTokens, scale: Scale) -> Iterator[Bar]:
    own = one.tokens_per_letter
    yield Bar("measured", told(say("this-tokenizer-label")), own, scale.percent(own))
    if (usual := one.usual_tokens_per_letter) is not None:
        yield Bar("before", told(say("usual-tokenizer-label")), usual, scale.percent(usual))


def _rows(part: TokenPart) -> Iterator[Row]:
    tokens = part.tokens
    learned = tokens.target_tokens / tokens.real_tokens if tokens.real_tokens else 0.0
    yield _row(say("learned-rows-count-label"), f"{part.rows:,}")
    for skipped in part.skipped_reasons:
        yield _row(say("skipped-because-label", rows=skipped.rows), skipped.reason)
    for refused in part.refused_turns:
        yield _row(say("turns-refused-because-label", turns=refused.turns), refused.reason)
    yield _row(say("tokens-label"), f"{tokens.real_tokens:,}")
    share = say("learned-share-row", tokens=f"{tokens.target_tokens:,}", share=in_hundred(learned))
    yield _row(say("learned-tokens-label"), share)
    yield _row(say("characters-of-token-label"), f"{part.characters_per_token:.1f}")
    for label, count in (
        (say("rows-cut-label"), part.truncated_rows),
        (say("cut-off-tokens-label"), part.lost_tokens),
        (say("cut-answers-label"), part.cut_answers),
        (say("emptied-answers-label"), part.lost_answers),
        (say("split-rows-label"), part.split_rows),
        (say("unknown-rows-label"), part.unknown_rows),
    ):
        if count:
            yield _row(label, f"{count:,}")


def _row(label: Message, value: str | Message) -> Row:
    return Row(told(label), told(value))
