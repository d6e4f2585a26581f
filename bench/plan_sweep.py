"""Every plan that could be chosen for some rows, and what the rows of a step take by each of them."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from services.worker.computing.plan.memory_budget import MemoryBudget
from services.worker.computing.plan.plan import Plan, models_attention
from services.worker.explaining.arm import ArmSteps
from services.worker.text.marked_text import TokenRow

HOPELESS = 1.5  # times the quickest, seen once: such a plan takes no part in the rounds


@dataclass(frozen=True)
class Swept:
    """Seconds of a step's rows by the name of each plan: seen once in `first`, in every round in `rounds`.

    A round's rows are the same for all plans. Plans that took `HOPELESS` times as long as the quickest, or
    did not fit into the memory, are in no round; the latter are `too_large`.
    """

    first: Mapping[str, float]
    rounds: Mapping[str, Sequence[float]]
    too_large: tuple[str, ...] = ()

    def seconds(self, name: str) -> float:
        return median(self.rounds[name]) if name in self.rounds else self.first[name]

    @property
    def best(self) -> str:
        return min(self.rounds, key=self.seconds)

    def distance(self, name: str) -> float:
        """How much longer a step takes by `name` than by the best, as a share: the median over rounds."""
        if name not in self.rounds:
            return self.first[name] / self.first[self.best] - 1
        pairs = zip(self.rounds[name], self.rounds[self.best], strict=True)
        return median(mine / best for mine, best in pairs) - 1


def plans_to_sweep(auto: Plan, budget: MemoryBudget) -> dict[str, Plan]:
    """All that the planner considers for `budget`, by what tells them apart: micro-batches and recomputing,
    each with 4-bit weights that stay dequantized and without, and with the model's own forward where `auto`
    has the layers written out.
    """
    kinds = [auto]
    if auto.weights == "run":
        kinds.append(replace(auto, weights="use"))
    if auto.own_layers:
        models_own = replace(auto, own_layers=False, layout="padded", shared_prefix_tokens=0)
        kinds.append(replace(models_own, attention=models_attention(budget.device_type)))
    return {
        plan_name(plan): plan
        for kind in kinds
        for choice in replace(
            budget, workload=replace(budget.workload, own_layers=kind.own_layers)
        ).fitting_choices()
        for plan in [kind.with_micro_batches(*choice)]
    }


def plan_name(plan: Plan) -> str:
    recomputed = {None: "none", 1: "every layer"}.get(plan.recomputed, f"1 layer in {plan.recomputed}")
    layers = "own layers" if plan.own_layers else "model's forward"
    kept = ", weights kept" if plan.weights == "run" else ""
    return f"{layers}{kept}, {plan.tokens_per_micro_batch} tokens, recomputed {recomputed}"


def sweep(
    arms: Mapping[str, ArmSteps],
    units: Sequence[Sequence[TokenRow]],
    *,
    chosen: str,
    told: Callable[[str], None] = lambda text: None,
    seed: int = 0,
) -> Swept:
    """The first of `units` once by every plan, then the others in rounds by those that are near the quickest,
    each time in another order. `chosen` takes part in any case.
    """
    draw, first, too_large = random.Random(seed), dict[str, float](), list[str]()
    for name in draw.sample(list(arms), len(arms)):
        seconds = _seen_once(arms[name], units[0], must=name == chosen)
        if seconds is None:
            too_large.append(name)
        else:
            first[name] = seconds
            told(f"{len(first) + len(too_large)}/{len(arms)} {name}: {seconds:.2f} s")
    near = [name for name in first if name == chosen or first[name] <= HOPELESS * min(first.values())]
    rounds = {name: list[float]() for name in near}
    for number, unit in enumerate(units[1:], 1):
        for name in draw.sample(near, len(near)):
            rounds[name].append(arms[name](unit).seconds)
        told(f"round {number} of {len(units) - 1}, {len(near)} plans")
    return Swept(first, rounds, tuple(too_large))


def _seen_once(steps: ArmSteps, unit: Sequence[TokenRow], *, must: bool) -> float | None:
    """Seconds of `unit`, None where the memory is not enough. One row before it makes weights ready."""
    if not steps.fits(unit[:1], lambda: None, must=must):
        return None
    started = time.monotonic()
    return time.monotonic() - started if steps.fits(unit, lambda: None, must=must) else None
