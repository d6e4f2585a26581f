"""What a run of chaos will do: jobs and faults, each with its time; decided by a seed, kept as lines."""

import json
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.specs import SPECS

FIRST_FAULT_SECONDS = 2.0
LONGEST_GAP_SECONDS = 20.0


@dataclass(frozen=True)
class PlannedJob:
    """Submitted `at` seconds after the start, with `name` as its Idempotency-Key."""

    at: float
    spec: str
    name: str


@dataclass(frozen=True)
class PlannedFault:
    """Happens `at` seconds after the start, or soon after when its moment comes; `seed` draws the rest."""

    at: float
    fault: str
    seconds: float
    moment: str
    seed: int


@dataclass(frozen=True)
class Plan:
    seed: int
    minutes: float
    jobs: tuple[PlannedJob, ...]
    faults: tuple[PlannedFault, ...]

    def write(self, path: Path) -> None:
        """One JSON object a line: the run, its jobs, its faults."""
        lines = [{"run": {"seed": self.seed, "minutes": self.minutes}}]
        lines += [{"job": asdict(job)} for job in self.jobs]
        lines += [{"fault": asdict(fault)} for fault in self.faults]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    @classmethod
    def read(cls, path: Path) -> "Plan":
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return cls(
            **next(line["run"] for line in lines if "run" in line),
            jobs=tuple(PlannedJob(**line["job"]) for line in lines if "job" in line),
            faults=tuple(PlannedFault(**line["fault"]) for line in lines if "fault" in line),
        )


def draw(
    seed: int,
    minutes: float,
    *,
    jobs: int,
    gap_seconds: float,
    names: Iterable[str] = tuple(FAULTS),
    specs: Iterable[str] = tuple(SPECS),
) -> Plan:
    """The plan of `seed`: `jobs` jobs spread over the time, and a fault every `gap_seconds` on average.

    `names` are the faults to draw from, `specs` the jobs.
    """
    chance = random.Random(seed)
    seconds = minutes * 60
    times = sorted(chance.uniform(0, seconds * 0.95) for _ in range(jobs))
    drawn = list(specs)
    specs = chance.choices(drawn, [SPECS[name].weight for name in drawn], k=jobs)
    planned = tuple(
        PlannedJob(round(at, 2), spec, f"chaos-{seed}-{number}")
        for number, (at, spec) in enumerate(zip(times, specs, strict=True))
    )
    return Plan(seed, minutes, planned, tuple(_faults(chance, seconds, gap_seconds, names)))


def _faults(
    chance: random.Random, seconds: float, gap_seconds: float, names: Iterable[str]
) -> Iterable[PlannedFault]:
    chosen = [FAULTS[name] for name in names]
    at = FIRST_FAULT_SECONDS
    while at < seconds and chosen:
        yield _fault(chance, at, chance.choices(chosen, [fault.weight for fault in chosen])[0])
        at += min(LONGEST_GAP_SECONDS, chance.expovariate(1 / gap_seconds))


def _fault(chance: random.Random, at: float, fault: Fault) -> PlannedFault:
    return PlannedFault(
        at=round(at, 2),
        fault=fault.name,
        seconds=round(chance.uniform(*fault.lasts), 2),
        moment=chance.choice(fault.moments),
        seed=chance.randrange(2**32),
    )
