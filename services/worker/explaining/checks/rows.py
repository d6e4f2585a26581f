"""What of the rows is not learned, because they are longer than max_seq_length."""

from services.worker.explaining.checks.finding import TrainingCheck
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy, Severity
from shared.reports.training_facts import TrainingFacts

_MANY_ROWS = 0.05
_MANY_ANSWERS = 0.01


def find_cut_answers(facts: TrainingFacts) -> Finding | None:
    """A model that never sees the end of an answer learns not to end it."""
    tokens = facts.tokens
    wrong = tokens.cut_answers + tokens.lost_answers
    if not wrong:
        return None
    answers = max(tokens.answers, wrong)
    return Finding(
        id="cut-answers",
        severity=_by_ratio(wrong / answers, _MANY_ANSWERS),
        title=say("cut-answers-title", cut=wrong, answers=answers),
        evidence=(
            say(
                "cut-answers-evidence",
                cut=tokens.cut_answers,
                lost=tokens.lost_answers,
                longest=tokens.longest,
            ),
        ),
        remedies=(Remedy(action=say("cut-answers-remedy")),),
    )


def find_truncated_rows(facts: TrainingFacts) -> Finding | None:
    tokens = facts.tokens
    if not tokens.truncated_rows:
        return None
    lost = tokens.lost_tokens / (tokens.real_tokens + tokens.lost_tokens)
    share = max(lost, tokens.truncated_rows / tokens.rows)
    return Finding(
        id="truncated-rows",
        severity=_by_ratio(share, _MANY_ROWS),
        title=say("truncated-rows-title", truncated=tokens.truncated_rows, rows=tokens.rows),
        evidence=(
            say(
                "truncated-rows-evidence",
                lost_tokens=tokens.lost_tokens,
                lost_ratio=lost,
                longest=tokens.longest,
            ),
        ),
        remedies=(Remedy(action=say("truncated-rows-remedy")),),
    )


def _by_ratio(ratio: float, many: float) -> Severity:
    return "warning" if ratio >= many else "info"


CHECKS = (
    TrainingCheck(
        "cut-answers",
        "warning",
        "answers whose end or whole is not learned",
        find_cut_answers,
        explains=("truncated-rows",),
    ),
    TrainingCheck("truncated-rows", "warning", "rows cut at max_seq_length", find_truncated_rows),
)
