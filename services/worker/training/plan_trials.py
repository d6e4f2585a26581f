"""The first steps of a run by several plans in turns, so that the fastest is seen rather than reckoned."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import median

from services.worker.computing.plan.memory_budget import CLOSE
from services.worker.computing.plan.plan import Plan, Tried
from services.worker.running_job import RunningJob
from services.worker.training.done_step import DoneStep
from shared.messages.message import Message, say

STEPS_AT_MOST = 8
SHARE_OF_RUN = 0.02
TURNS_AT_LEAST = 2  # the first of a plan warms up and does not count
FASTER = 0.02  # than the estimate's first, to be taken in its place


class PlanTrials:
    """Which plan the next step follows while there is something to try; `plans`, the estimate's first, differ
    in nothing that changes what is learned.

    The steps are real ones, with the rows and the update they would have had: nothing is wasted. Since they
    have different rows, seconds of a row's token are compared.
    """

    def __init__(self, plans: Sequence[Plan], *, steps: int, job: RunningJob) -> None:
        self._plans, self._steps, self._job = list(plans), steps, job
        self._turn = self._done = 0
        self._paces = [list[float]() for _ in plans]
        self._over = len(plans) < 2

    @classmethod
    def of(cls, plans: Sequence[Plan], total_steps: int, job: RunningJob) -> "PlanTrials":
        """Of as many of `plans` as a run of `total_steps` has steps for; a run too short is told why."""
        steps = min(STEPS_AT_MOST, int(SHARE_OF_RUN * total_steps))
        tried = list(plans[: steps // TURNS_AT_LEAST])
        if len(plans) >= 2 > len(tried):
            needed = 2 * TURNS_AT_LEAST
            job.event(
                say(
                    "plan-not-tried",
                    plans=len(plans),
                    close_ratio=CLOSE,
                    steps=total_steps,
                    needed=needed,
                    share_ratio=SHARE_OF_RUN,
                ),
                data={"code": "plan_not_tried", "plans": len(plans), "needed_steps": needed},
            )
        turns = steps // len(tried) if tried else 0
        return cls(tried, steps=turns * len(tried), job=job)

    def next_plan(self, now: Plan) -> Plan:
        """What the next step is to follow, where `now` is what the last one did."""
        return now if self._over else self._plans[self._turn]

    def standing(self, now: Plan) -> Plan:
        """What a run that is resumed here is to follow: one tries no more."""
        return now if self._over else self._fastest()

    def after(self, step: DoneStep, followed: Plan) -> Plan:
        """What to go on with after a step that `followed` a plan. One that was not asked for is what memory
        left of one that was: it stays, and nothing more is tried.
        """
        if self._over:
            return followed
        if followed != self._plans[self._turn]:
            self._over = True
            return followed
        self._paces[self._turn].append(step.step_seconds / step.real_tokens)
        self._done += 1
        self._turn = self._done % len(self._plans)
        if self._done < self._steps:
            return followed
        self._over = True
        chosen = replace(self._fastest(), tried=tuple(self._tried()))
        self._job.event(
            say(
                "plan-chosen",
                plans=len(self._plans),
                close_ratio=CLOSE,
                steps=self._steps,
                tries=[self._told(one) for one in chosen.tried],
                chosen=say(
                    "plan-piece", tokens=chosen.tokens_per_micro_batch, recomputed=chosen.recomputed or 0
                ),
            ),
            data={"code": "plan_chosen", "tried": [asdict(one) for one in chosen.tried]},
        )
        return chosen

    def _fastest(self) -> Plan:
        """The estimate's first, unless another was faster by more than chance."""
        tried = self._tried()
        if len(tried) < len(self._plans):
            return self._plans[0]
        best = min(range(len(tried)), key=lambda number: tried[number].token_seconds)
        clearly = tried[best].token_seconds < (1 - FASTER) * tried[0].token_seconds
        return self._plans[best if clearly else 0]

    def _tried(self) -> list[Tried]:
        """Of the plans that were timed after their warm-up, in order; fewer while not all were."""
        return [
            Tried(
                plan.tokens_per_micro_batch,
                plan.recomputed,
                steps=len(paces) - 1,
                token_seconds=median(paces[1:]),
            )
            for plan, paces in zip(self._plans, self._paces, strict=True)
            if len(paces) > 1
        ]

    def _told(self, one: Tried) -> Message:
        return say(
            "plan-tried",
            tokens=one.tokens_per_micro_batch,
            recomputed=one.recompute_every or 0,
            microseconds=one.token_seconds * 1e6,
        )
