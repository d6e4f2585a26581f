"""Whether the weights are stored in a wider dtype than the load wants."""

from services.worker.diagnosis.checks.finding import Check, by_seconds
from services.worker.diagnosis.checks.remedies import keep_bfloat16_copy
from services.worker.models.files.weight_files import BITS_PER_VALUE
from shared.reports.finding import Finding
from shared.reports.load_facts import LoadFacts
from shared.reports.model_files import Checkpoint
from shared.units import duration, rate, size


def find_wide_dtype(facts: LoadFacts) -> Finding | None:
    remedy = keep_bfloat16_copy(facts) if facts.wanted_dtype in ("BF16", "F16") else None
    wide = wide_dtype(facts.checkpoint)
    if remedy is None or wide is None:
        return None
    return Finding(
        id="wide-dtype",
        severity=by_seconds(remedy.saves_seconds),
        title=f"The weights are stored as {wide} although {facts.wanted_dtype} is wanted",
        evidence=(double_bytes(facts), *_reading_times(facts)),
        remedies=(remedy,),
    )


def double_bytes(facts: LoadFacts) -> str:
    """The arithmetic: parameters × bytes as stored and as wanted."""
    checkpoint = facts.checkpoint
    stored = " + ".join(
        f"{count:,} parameters × {BITS_PER_VALUE[dtype] / 8:g} bytes ({dtype})"
        for dtype, count in checkpoint.dtype_parameters.items()
        if dtype in BITS_PER_VALUE
    )
    wanted = size(checkpoint.bfloat16_bytes or 0)
    return f"{stored} = {size(checkpoint.opened_bytes)}; × 2 bytes ({facts.wanted_dtype}) = {wanted}"


def wide_dtype(checkpoint: Checkpoint) -> str | None:
    """The dtype wider than 16 bits that holds most parameters, if such ones hold most."""
    wide = {dtype: count for dtype, count in checkpoint.dtype_parameters.items() if dtype in ("F32", "F64")}
    if 2 * sum(wide.values()) <= (checkpoint.parameters or 0):
        return None
    return max(wide, key=lambda dtype: wide[dtype], default=None)


def _reading_times(facts: LoadFacts) -> tuple[str, ...]:
    stored = facts.read_seconds(facts.checkpoint.opened_bytes)
    wanted = facts.read_seconds(facts.checkpoint.bfloat16_bytes or 0)
    if stored is None or wanted is None:
        return ("the storage's speed is unknown, so no time can be predicted",)
    limit = rate(facts.limit_bytes_per_second or 0)
    return (f"at {limit} reading takes {duration(stored)} as stored, {duration(wanted)} as wanted",)


CHECKS = (
    Check("wide-dtype", "warning", "float32 weights on disk although bfloat16 is wanted", find_wide_dtype),
)
