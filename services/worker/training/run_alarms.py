"""What comes over a run while it goes on, each told once: a spill, a slowed card, steps that get slower."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

from services.worker.machine.card import CardState
from services.worker.machine.card_watch import CardLook
from services.worker.running_job import JsonValue, RunningJob
from services.worker.training.done_step import DoneStep
from shared.messages.message import Message, say

SKIPPED_STEPS = 2  # the first ones warm up
WINDOW = 10  # steps
LOOKS = 3
SLOWER = 1.3
SLOWED_CLOCK = 0.85
COOL = 0.6  # of its own power at the start: a card that waits for main memory is busy and cool
FULL_BYTES = 300_000_000  # free at the least
SPILLED_BYTES = 64_000_000
PERIOD_SECONDS = 5.0


class RunAlarms:
    """To be told of every step. Each of a run's steps and looks is compared with the run's own start.

    A card that is always at its power limit, as a small one is, is not slowed. `look` gives a look at the
    card, None where there is no card to see; it is asked every `period_seconds` at the most. A run that
    spills from its first step on is known by `predicted_seconds`, those of a step.
    """

    def __init__(
        self,
        job: RunningJob,
        look: Callable[[], CardLook | None],
        *,
        predicted_seconds: float | None = None,
        period_seconds: float = PERIOD_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job, self._look, self._period_seconds, self._now = job, look, period_seconds, now
        self._predicted_seconds = predicted_seconds
        self._looked = -period_seconds
        self._looks = list[CardLook]()
        self._plan_number = 0
        self._seen = 0
        self._paces = list[float]()  # seconds for a computed token
        self._seconds = deque[float](maxlen=WINDOW)  # of a step
        self._told = set[str]()

    def __call__(self, step: DoneStep) -> None:
        self._take_pace(step)
        if self._now() - self._looked >= self._period_seconds and (seen := self._look()) is not None:
            self._looked = self._now()
            self._looks = [*self._start_looks, *self._later_looks[-LOOKS + 1 :], seen]
        for find in (self._spill, self._throttle, self._drift):
            find(step)

    def _take_pace(self, step: DoneStep) -> None:
        """Another plan has another pace: what is compared begins anew."""
        if step.plan_number != self._plan_number:
            self._plan_number, self._seen, self._paces = step.plan_number, 0, []
        self._seen += 1
        self._seconds.append(step.step_seconds)
        if self._seen > SKIPPED_STEPS and step.computed_tokens:
            pace = step.step_seconds / step.computed_tokens
            self._paces = [*self._paces[:WINDOW], *self._paces[WINDOW:][-WINDOW + 1 :], pace]

    @property
    def slower(self) -> float | None:
        """By how much a computed token takes longer now than at the start; None while that is not known.

        Seconds a step would also grow with the rows of a step.
        """
        if len(self._paces) < 2 * WINDOW:
            return None
        return median(self._paces[-WINDOW:]) / median(self._paces[:WINDOW])

    def _spill(self, step: DoneStep) -> None:
        if not self._looks:
            return
        spilled = self._looks[-1].spilled_bytes
        if spilled >= SPILLED_BYTES:
            evidence = say("spill-by-counter", spilled_bytes=spilled)
        elif (signs := self._signs_of_spill()) is not None:
            evidence = signs
        else:
            return
        said = say("run-spills", step=step.step, evidence=evidence)
        self._tell("card_spills", said, step, spilled_bytes=spilled)

    def _signs_of_spill(self) -> Message | None:
        """A card that is full, slow and cool: where there is no counter, these three together."""
        card = self._looks[-1].card
        if card.used_bytes is None or not card.memory_bytes or card.power_watts is None:
            return None
        free, usual_watts = card.memory_bytes - card.used_bytes, self._start("power_watts")
        by_prediction = self._slower_than_predicted
        if by_prediction is not None and by_prediction > SLOWER:
            slow = say("slower-than-predicted-piece", times=by_prediction)
            usual_watts = card.power_limit_watts
        elif self.slower is not None and self.slower > SLOWER:
            slow = say("slower-than-at-the-start-piece", times=self.slower)
        else:
            return None
        if free >= FULL_BYTES or not usual_watts or card.power_watts >= COOL * usual_watts:
            return None
        return say(
            "run-spill-by-signs",
            free_bytes=free,
            slow=slow,
            watts=round(card.power_watts),
            usual_watts=round(usual_watts),
        )

    @property
    def _slower_than_predicted(self) -> float | None:
        if not self._predicted_seconds or self._seen < SKIPPED_STEPS + WINDOW:
            return None
        return median(self._seconds) / self._predicted_seconds

    def _throttle(self, step: DoneStep) -> None:
        start, clock = self._start("clock_hertz"), self._later("clock_hertz")
        if not start or clock is None or clock >= SLOWED_CLOCK * start:
            return
        reasons = self._looks[-1].card.reasons
        if reasons == ():
            return  # the driver says that nothing slows it: it has little to do
        hot = reasons is None or bool({"thermal", "hardware_slowdown"} & set(reasons))
        weak = reasons is None or not hot
        said = say(
            "run-throttled",
            step=step.step,
            start_megahertz=round(start / 1e6),
            megahertz=round(clock / 1e6),
            reasons=reasons or (say("reason-not-told-piece"),),
            remedies=[
                *([say("throttled-card-remedy-heat")] if hot else []),
                *([say("throttled-card-remedy-power")] if weak else []),
            ],
        )
        told = list[JsonValue](reasons or ())
        self._tell("card_throttled", said, step, clock_hertz=clock, start_clock_hertz=start, reasons=told)

    def _drift(self, step: DoneStep) -> None:
        if self.slower is None or self.slower <= SLOWER:
            return
        said = say("run-slows-down", step=step.step, times=self.slower)
        self._tell("steps_slower", said, step, times=self.slower)

    def _tell(self, code: str, said: Message, step: DoneStep, **facts: JsonValue) -> None:
        if code not in self._told:
            self._told.add(code)
            self._job.event(said, level="warn", data={"code": code, "step": step.step, **facts})

    @property
    def _start_looks(self) -> Sequence[CardLook]:
        return self._looks[:LOOKS]

    @property
    def _later_looks(self) -> Sequence[CardLook]:
        return self._looks[LOOKS:]

    def _start(self, figure: str) -> float | None:
        return _median(self._start_looks, figure)

    def _later(self, figure: str) -> float | None:
        """None until there are as many looks as at the start."""
        return _median(self._later_looks, figure) if len(self._later_looks) == LOOKS else None


def _median(looks: Sequence[CardLook], figure: str) -> float | None:
    """Of a card at work: an idle one lowers its clock and its power by itself."""
    seen = [_figure(look.card, figure) for look in looks if not look.card.idle]
    known = [value for value in seen if value is not None]
    return median(known) if known else None


def _figure(card: CardState, name: str) -> float | None:
    value: float | None = getattr(card, name)
    return value
