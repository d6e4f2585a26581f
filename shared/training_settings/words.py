"""Names of optimizers and schedules that the tools know, and what the worker has in their place."""

import difflib
from typing import get_args

from shared.messages.message import Message, say, stored
from shared.messages.render import shown
from shared.schemas.hyperparameters import LearningRateSchedule


def names(text: str) -> tuple[str, ...]:
    """A list of names, written as words."""
    return tuple(text.split())


# AdamW with its state in 32 bits: one curve, whoever computes it and wherever the state lies.
ADAMW = frozenset(
    names(
        "adamw_torch adamw_torch_fused adamw_torch_xla adamw_torch_npu_fused adamw_hf adamw_apex_fused "
        "paged_adamw_32bit paged_adamw"
    )
)
# The same with its state rounded to 8 bits by bitsandbytes, paged or not.
ADAMW_8BIT = frozenset({"adamw_8bit", "adamw_bnb_8bit", "paged_adamw_8bit"})
OTHER_OPTIMIZERS = frozenset(
    names(
        "adafactor adamw_anyprecision adamw_torch_4bit adamw_torch_8bit ademamix sgd adagrad "
        "ademamix_8bit lion_8bit lion_32bit paged_ademamix_32bit "
        "paged_ademamix_8bit paged_lion_32bit paged_lion_8bit rmsprop rmsprop_bnb rmsprop_bnb_8bit "
        "rmsprop_bnb_32bit galore_adamw galore_adamw_8bit galore_adafactor galore_adamw_layerwise "
        "galore_adamw_8bit_layerwise galore_adafactor_layerwise lomo adalomo grokadamw schedule_free_radam "
        "schedule_free_adamw schedule_free_sgd apollo_adamw apollo_adamw_layerwise stable_adamw optimi_adamw "
        "ao_adamw_4bit ao_adamw_8bit ao_adamw_fp8 adopt_adamw adamc came_pytorch muon dion sinkgd polora "
        "flash_adamw flash_adam flash_sgd flash_sgdw flash_lion q_galore_adamw8bit lion_pytorch"
    )
)
OPTIMIZERS = ADAMW | ADAMW_8BIT | OTHER_OPTIMIZERS
OUR_SCHEDULES: tuple[str, ...] = get_args(LearningRateSchedule)
SCHEDULES = frozenset(OUR_SCHEDULES) | frozenset(
    names(
        "cosine_with_restarts polynomial inverse_sqrt reduce_lr_on_plateau cosine_with_min_lr "
        "cosine_warmup_with_min_lr warmup_stable_decay greedy one_cycle rex"
    )
)


def known_optimizer(name: str) -> str:
    return _known(name, OPTIMIZERS, say("settings-optimizer-unknown", value=name[:80]))


def known_schedule(name: str) -> str:
    return _known(name, SCHEDULES, say("settings-schedule-unknown", value=name[:80]))


def meant(name: str, names: frozenset[str]) -> str | None:
    """The one of `names` that was probably meant."""
    close = difflib.get_close_matches(name, sorted(names), n=1)
    return close[0] if close else None


def told(message: Message) -> str:
    """The sentence in the reader's language."""
    return shown(stored(message))


def _known(name: str, names: frozenset[str], unknown: Message) -> str:
    if name in names:
        return name
    if close := meant(name, names):
        unknown = say("settings-did-you-mean", problem=unknown, name=close)
    raise ValueError(told(unknown))
