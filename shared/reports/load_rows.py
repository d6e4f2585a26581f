"""Facts of a load as rows: what the text and the page say in the same words."""

from shared.messages.message import Message, say
from shared.reports.load import LoadSummary
from shared.reports.load_facts import LoadFacts
from shared.reports.storage import Storage


def mount_words(storage: Storage) -> str:
    """Filesystem, source and options, as a line of a mount table has them."""
    return " ".join(word for word in (storage.filesystem, storage.source, ",".join(storage.options)) if word)


def weights_row(facts: LoadFacts) -> Message:
    """Files, formats and bytes of what a load opens."""
    opened, total = facts.checkpoint.opened, facts.checkpoint.opened_bytes
    if formats := sorted({file.format for file in opened}):
        return say("weights-row", files=len(opened), formats=formats, weight_bytes=total)
    return say("weights-without-format-row", files=len(opened), weight_bytes=total)


def parameters_row(dtype_parameters: dict[str, int]) -> Message:
    """How many parameters have which dtype."""
    pieces = [
        say("dtype-parameters-piece", parameters=count, dtype=dtype)
        for dtype, count in dtype_parameters.items()
    ]
    return say("parameters-row", dtypes_sum=pieces)


def disk_with_read_ahead_row(facts: LoadFacts) -> Message | None:
    """What `disk_row` says, and how far the kernel reads ahead there."""
    disk, device = disk_row(facts), facts.storage.block_device
    if disk is None or device is None or device.read_ahead_bytes is None:
        return disk
    return say("disk-with-read-ahead-row", disk=disk, ahead_bytes=device.read_ahead_bytes)


def disk_row(facts: LoadFacts) -> Message | None:
    """The disk beneath the files, as the kernel describes it; else the one that read meanwhile."""
    device = facts.storage.block_device
    if device is None:
        return say("disk-behind-row", disk=facts.disk_behind) if facts.disk_behind else None
    rotates = {True: "yes", False: "no", None: "unknown"}[device.rotational]
    return say("disk-row", disks_sum=device.disks, rotates=rotates)


def limit_row(summary: LoadSummary) -> Message:
    """Bytes ÷ rate = seconds; both must be known."""
    return say(
        "limit-row",
        weight_bytes=summary.weight_bytes,
        limit_bytes_per_second=summary.limit_bytes_per_second,
        limit_seconds=summary.limit_seconds,
    )


def run_label(name: str) -> Message:
    """Of a load: cold, warm, as it was found, of which files."""
    return say("run-label", run=name)
