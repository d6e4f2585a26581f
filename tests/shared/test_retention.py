"""The rule of retention: the oldest leave, no other, and what was trained only when asked."""

from hypothesis import given
from hypothesis import strategies as st

from shared.messages.render import in_english
from shared.retention import DAY_SECONDS, KeptJob, RetentionRule, leaving
from shared.settings import Settings

NOW = 1_000 * DAY_SECONDS
NO_LIMITS = RetentionRule(None, None, None, spare_weights=True)


def job(
    number: int, *, days: float = 0, size: int = 10, weights: bool = False, used: bool = False
) -> KeptJob:
    finished_at = NOW - days * DAY_SECONDS
    return KeptJob(
        f"ftjob-{number}",
        "fine_tuning",
        "succeeded",
        finished_at,
        number,
        size,
        weights,
        "evaljob-1" if used else None,
    )


jobs = st.lists(
    st.builds(
        job,
        st.integers(0, 10**6),
        days=st.integers(0, 40),
        size=st.integers(0, 1000),
        weights=st.booleans(),
        used=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda kept: kept.number,
)
rules = st.builds(
    RetentionRule,
    keep_jobs=st.none() | st.integers(1, 20),
    keep_days=st.none() | st.integers(1, 40),
    keep_bytes=st.none() | st.integers(1, 5000),
    spare_weights=st.booleans(),
)


def within(kept: list[KeptJob], rule: RetentionRule) -> bool:
    """Whether what is kept is what the rule allows, by the words of the settings."""
    return (
        (rule.keep_jobs is None or len(kept) <= rule.keep_jobs)
        and (
            rule.keep_days is None
            or all(NOW - job.finished_at <= rule.keep_days * DAY_SECONDS for job in kept)
        )
        and (rule.keep_bytes is None or sum(job.size_bytes for job in kept) <= rule.keep_bytes)
    )


@given(jobs, rules)
def test_the_oldest_leave_and_no_other(found: list[KeptJob], rule: RetentionRule) -> None:
    gone = [entry.job for entry in leaving(found, rule, NOW)]
    may_go = [job for job in found if not job.used_by and not (job.has_weights and rule.spare_weights)]
    kept = [job for job in may_go if job not in gone]
    assert set(gone) <= set(may_go)
    assert gone == sorted(gone, key=lambda job: (job.finished_at, job.number))
    assert all((old.finished_at, old.number) < (new.finished_at, new.number) for old in gone for new in kept)
    assert within(kept, rule)
    assert not gone or not within([*kept, gone[-1]], rule)  # not one more than had to


@given(jobs, rules)
def test_what_was_trained_leaves_only_when_asked_and_what_is_used_never(
    found: list[KeptJob], rule: RetentionRule
) -> None:
    gone = [entry.job for entry in leaving(found, rule, NOW)]
    assert not any(job.used_by for job in gone)
    assert not (rule.spare_weights and any(job.has_weights for job in gone))


@given(jobs, rules)
def test_a_second_look_finds_nothing_more(found: list[KeptJob], rule: RetentionRule) -> None:
    gone = {entry.job for entry in leaving(found, rule, NOW)}
    assert leaving([job for job in found if job not in gone], rule, NOW) == []


@given(jobs)
def test_without_limits_nothing_leaves(found: list[KeptJob]) -> None:
    assert leaving(found, NO_LIMITS, NOW) == []


def test_each_limit_says_why() -> None:
    found = [job(number, days=40 - 10 * number, size=10_000_000) for number in range(4)]
    for rule, expected in (
        (RetentionRule(None, 35, None, True), "The job ended 40.0 days ago, and jobs are kept for 35 days."),
        (RetentionRule(None, 1, None, True), "The job ended 40.0 days ago, and jobs are kept for 1 day."),
        (RetentionRule(3, None, None, True), "3 jobs are newer, and 3 are kept."),
        (
            RetentionRule(None, None, 35_000_000, True),
            "This job and the newer jobs take 40.00 MB together, and at most 35.00 MB are kept.",
        ),
    ):
        first = leaving(found, rule, NOW)[0]
        assert (first.job.number, in_english(first.why)) == (0, expected)


def test_by_default_only_very_many_jobs_without_an_adapter_leave() -> None:
    rule = RetentionRule.of(Settings())
    many = [job(number, days=900, weights=number % 2 == 0) for number in range(10_002)]
    assert [entry.job.number for entry in leaving(many, rule, NOW)] == [1]
