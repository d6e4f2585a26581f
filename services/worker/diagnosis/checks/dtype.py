"""Whether the weights are stored in a wider dtype than the load wants."""

from services.worker.diagnosis.checks.finding import Check, by_seconds
from services.worker.diagnosis.checks.remedies import keep_bfloat16_copy
from services.worker.models.files.weight_files import BITS_PER_VALUE
from shared.messages.message import Message, say
from shared.reports.finding import Finding
from shared.reports.load_facts import LoadFacts
from shared.reports.model_files import Checkpoint


def find_wide_dtype(facts: LoadFacts) -> Finding | None:
    remedy = keep_bfloat16_copy(facts) if facts.wanted_dtype in ("BF16", "F16") else None
    wide = wide_dtype(facts.checkpoint)
    if remedy is None or wide is None:
        return None
    return Finding(
        id="wide-dtype",
        severity=by_seconds(remedy.saves_seconds),
        title=say("wide-dtype-title", stored=wide, wanted=facts.wanted_dtype),
        evidence=(double_bytes(facts), *_reading_times(facts)),
        remedies=(remedy,),
    )


def double_bytes(facts: LoadFacts) -> Message:
    """The arithmetic: parameters × bytes as stored and as wanted."""
    checkpoint = facts.checkpoint
    products = [
        say("parameters-by-bytes-piece", parameters=count, each=BITS_PER_VALUE[dtype] / 8, dtype=dtype)
        for dtype, count in checkpoint.dtype_parameters.items()
        if dtype in BITS_PER_VALUE
    ]
    return say(
        "stored-bytes",
        products_sum=products, stored_bytes=checkpoint.opened_bytes,
        wanted=facts.wanted_dtype, wanted_bytes=checkpoint.bfloat16_bytes or 0,
    )  # fmt: skip


def wide_dtype(checkpoint: Checkpoint) -> str | None:
    """The dtype wider than 16 bits that holds most parameters, if such ones hold most."""
    wide = {dtype: count for dtype, count in checkpoint.dtype_parameters.items() if dtype in ("F32", "F64")}
    if 2 * sum(wide.values()) <= (checkpoint.parameters or 0):
        return None
    return max(wide, key=lambda dtype: wide[dtype], default=None)


def _reading_times(facts: LoadFacts) -> tuple[Message, ...]:
    stored = facts.read_seconds(facts.checkpoint.opened_bytes)
    wanted = facts.read_seconds(facts.checkpoint.bfloat16_bytes or 0)
    if stored is None or wanted is None:
        return (say("no-time-predicted"),)
    return (
        say(
            "reading-wide-and-narrow",
            limit_bytes_per_second=facts.limit_bytes_per_second or 0,
            stored_seconds=stored, wanted_seconds=wanted,
        ),
    )  # fmt: skip


CHECKS = (
    Check("wide-dtype", "warning", "float32 weights on disk although bfloat16 is wanted", find_wide_dtype),
)
