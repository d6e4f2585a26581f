"""Lines of a report for a terminal: rows with their names in a column, findings, and what was done."""

from collections.abc import Iterator, Sequence

from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.finding import AppliedRemedy, Finding, Remedy

LABEL_WIDTH = 12


def row(label: Message | None, said: str | Message) -> str:
    """A row without a label belongs to the one above it."""
    name = told(label) if label else ""
    return f"{name:<{LABEL_WIDTH}}{told(said)}".rstrip()


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Each finding with its number, its evidence and its remedies, in the reader's language."""
    if not findings:
        yield told(say("findings-none-title"))
    for number, finding in enumerate(findings, start=1):
        yield told(
            say(
                "finding-title",
                number=number,
                severity=finding.severity,
                finding=finding.id,
                title=finding.title,
            )
        )
        yield from (f"   - {told(sentence)}" for sentence in finding.evidence)
        for remedy in finding.remedies:
            yield from _remedy_lines(remedy)


def _remedy_lines(remedy: Remedy) -> Iterator[str]:
    yield f"   > {told(_gain(remedy))}"
    if remedy.saves_seconds is not None and (assumption := remedy.assumption):
        yield f"       {told(assumption)}"
    yield from (f"       {line}" for line in (remedy.command or "").splitlines())


def _gain(remedy: Remedy) -> str | Message:
    saved, then = remedy.saves_seconds, remedy.predicted_seconds
    if saved is None:
        return remedy.action
    if then is None:
        if not saved:
            return say("remedy-saves-nothing", action=remedy.action)
        return say("remedy-saves", action=remedy.action, saved_seconds=saved)
    if not saved:
        return say("remedy-saves-nothing-of-load", action=remedy.action, load_seconds=then)
    return say("remedy-saves-of-load", action=remedy.action, saved_seconds=saved, load_seconds=then)


def applied_lines(applied: Sequence[AppliedRemedy]) -> Iterator[str]:
    """What was done about it, predicted beside measured."""
    if applied:
        yield from ("", told(say("done-title")))
    for remedy in applied:
        yield f"   - {told(remedy.action)}"
        if times := list(_times(remedy)):
            yield f"       {told(say('a-load-row', times=times))}"
        if remedy.note:
            yield f"       {told(remedy.note)}"


def _times(remedy: AppliedRemedy) -> Iterator[Message]:
    if remedy.before_seconds is not None:
        yield say("before-piece", load_seconds=remedy.before_seconds)
    if remedy.predicted_seconds is not None:
        yield say("predicted-piece", load_seconds=remedy.predicted_seconds)
    if remedy.measured_seconds is not None:
        yield say("measured-piece", load_seconds=remedy.measured_seconds)
    if remedy.limit_seconds is not None:
        yield say("limit-piece", load_seconds=remedy.limit_seconds)
