"""Whether tokenizer and job fit their model: token ids within the embedding, rows within its positions."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from transformers import PreTrainedTokenizerBase

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.abilities import Abilities
from services.worker.models.families.usable_template import rendered_samples, require_usable
from services.worker.running_job import RunningJob
from shared.messages.message import say


class TokenRow(Protocol):
    """A row's tokens."""

    @property
    def ids(self) -> np.ndarray: ...


_SHOWN = 4
WORTH_A_WORD = 0.01  # of a model's parameters; every other one has a small matrix of its own kind
RESIZE = say("use-or-resize-tokenizer")


def require_fit(
    tokenizer: PreTrainedTokenizerBase, abilities: Abilities, job: RunningJob, *, for_chat: bool
) -> None:
    """Say what of the model and its tokenizer restricts a job, before any weight is read.

    Raises JobFailed(MODEL_UNSUPPORTED) for a template that can't be used, where conversations are to be
    rendered, and for a tokenizer whose special tokens the embedding does not have.
    """
    if for_chat:
        require_usable(tokenizer)
    _require_known_tokens(tokenizer, abilities, job)
    if tokenizer.eos_token_id is None:
        job.event(
            say("no-end-token"),
            level="warn",
            data={"code": "no_end_token"},
        )
    _tell_what_stays_whole(abilities, job)


def _require_known_tokens(tokenizer: PreTrainedTokenizerBase, abilities: Abilities, job: RunningJob) -> None:
    beyond = tokens_beyond(tokenizer, abilities)
    if not beyond:
        return
    rows, last = abilities.token_rows, str(max(beyond.values()))
    used = _used(tokenizer, set(beyond.values()))
    if used:
        needed = [token for token in beyond if token in used]  # in order of their numbers
        names = [f"{token!r} ({beyond[token]})" for token in needed[:_SHOWN]]
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("tokens-beyond-and-needed", count=len(beyond), rows=rows, last=last, tokens=names),
            RESIZE,
        )
    names = [repr(token) for token in list(beyond)[:_SHOWN]]
    job.event(
        say("tokens-beyond", count=len(beyond), rows=rows, last=last, tokens=names),
        level="warn",
        data={"code": "tokens_beyond_embedding", "tokens": len(beyond), "rows": abilities.token_rows},
    )


def tokens_beyond(tokenizer: PreTrainedTokenizerBase, abilities: Abilities) -> dict[str, int]:
    """Tokens, with their numbers, for which the embedding has no row; of few rows too many is no harm."""
    rows = abilities.token_rows
    if rows is None or len(tokenizer) == 0:
        return {}
    found = {token: number for token, number in tokenizer.get_vocab().items() if number >= rows}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _used(tokenizer: PreTrainedTokenizerBase, beyond: set[int]) -> set[str]:
    """Those that every text or conversation gets: the end of a text, and what the template writes."""
    numbers = {tokenizer.eos_token_id, tokenizer.bos_token_id}
    for text in rendered_samples(tokenizer):
        numbers.update(tokenizer(text, add_special_tokens=False)["input_ids"])
    return {str(tokenizer.convert_ids_to_tokens(number)) for number in numbers & beyond}


def _tell_what_stays_whole(abilities: Abilities, job: RunningJob) -> None:
    if abilities.language_part:
        job.event(
            say("language-part", module=abilities.language_part),
            data={"code": "language_part", "module": abilities.language_part},
        )
    share = abilities.whole_weights / max(1, abilities.parameters)
    if share >= WORTH_A_WORD:
        job.event(
            say(
                "weights-not-adapted",
                whole=abilities.whole_weights,
                parameters=abilities.parameters,
                share_ratio=share,
                module=abilities.whole_name,
            ),
            level="warn",
            data={"code": "weights_not_adapted", "parameters": abilities.whole_weights},
        )
    if abilities.unquantized_weights / max(1, abilities.parameters) >= WORTH_A_WORD:
        job.event(
            say(
                "weights-not-quantized",
                whole=abilities.unquantized_weights,
                parameters=abilities.parameters,
            ),
            level="warn",
            data={"code": "weights_not_quantized", "parameters": abilities.unquantized_weights},
        )


def longest_row(wanted: int, abilities: Abilities, job: RunningJob) -> int:
    """`wanted` tokens, or as many as the model has positions; what is applied or risked is said."""
    if abilities.positions is not None and wanted > abilities.positions:
        job.event(
            say("positions-limited", wanted=wanted, positions=abilities.positions),
            level="warn",
            data={"code": "positions_limited", "wanted": wanted, "positions": abilities.positions},
        )
        return abilities.positions
    steady = abilities.steady_positions
    if steady is not None and wanted > steady:
        job.event(
            say("positions-rotated-by-longest", wanted=wanted, positions=steady),
            level="warn",
            data={"code": "positions_rotated_by_longest", "wanted": wanted, "positions": steady},
        )
    meant = abilities.meant_positions
    if meant is not None and wanted > meant:
        job.event(
            say("positions-exceeded", wanted=wanted, positions=meant),
            level="warn",
            data={"code": "positions_exceeded", "wanted": wanted, "positions": meant},
        )
    return wanted


def require_rows_fit(
    rows: Iterable[TokenRow], tokenizer: PreTrainedTokenizerBase, abilities: Abilities
) -> None:
    """Raise JobFailed(DATASET_INVALID) for rows (of `ids`) with a token that the embedding does not have."""
    if abilities.token_rows is None:
        return
    for row in rows:
        largest = int(row.ids.max())
        if largest >= abilities.token_rows:
            token = tokenizer.convert_ids_to_tokens(largest)
            raise JobFailed(
                FailureCode.DATASET_INVALID,
                say(
                    "row-has-unknown-token",
                    token=repr(token),
                    number=str(largest),
                    rows=abilities.token_rows,
                ),
                say("take-token-out", advice=RESIZE),
            )
