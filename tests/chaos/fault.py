"""A fault: a named function that makes it happen, with its weight, its moments and how long it lasts."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.chaos.world import World

Act = Callable[["World", random.Random, float], object]
About = Literal["child", "api", "store", "users"]  # whose recovery is timed

ANY = ("now",)
OF_A_JOB = ("now", "now", "loading", "stepping", "saving", "publishing", "published")


@dataclass(frozen=True)
class Fault:
    """`act(world, chance, seconds)` makes it happen and pass again; it raises nothing that it can expect.

    `seconds` is drawn from `lasts`. It begins at one of `moments`; see `tests/chaos/moments.py`.
    """

    name: str
    about: About
    act: Act
    weight: float
    moments: tuple[str, ...]
    lasts: tuple[float, float]


FAULTS: dict[str, Fault] = {}


def fault(
    about: About,
    *,
    weight: float = 1,
    moments: tuple[str, ...] = ANY,
    lasts: tuple[float, float] = (0, 0),
) -> Callable[[Act], Act]:
    """Add the function to the table under its own name."""

    def add(act: Act) -> Act:
        name = act.__name__.removesuffix("_")
        FAULTS[name] = Fault(name, about, act, weight, moments, lasts)
        return act

    return add
