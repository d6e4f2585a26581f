"""The demo's results as text for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.cli.demo_reports import Page, pages_text
from services.cli.outcome.outcome import plain
from services.cli.watch import duration_text
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.preparation import Preparation
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord
from shared.settings import DEMO_MODEL

SPAM = "spam"


def findings(result: Mapping[str, Any]) -> str:
    return plain(dict(result))


def prepared(diagnosis: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """What the copy on disk brought, on a line."""
    preparation = read_stored(Preparation, result)
    before, after = diagnosis.get("load_seconds"), preparation.load.after_seconds
    gain = say("demo-gain-unmeasured-row")
    if before is not None and after is not None:
        gain = say("demo-gain-row", before=f"{before:.1f}", after=f"{after:.1f}")
    source, made = (
        f"{size / 1e6:.0f}" for size in (preparation.source_bytes, preparation.artifact_bytes or 0)
    )
    return "  " + told(say("demo-prepared-row", source=source, made=made, gain=gain))


def scores(result: Mapping[str, Any]) -> str:
    """The scores of one evaluation on a line."""
    return "  " + "  ".join(f"{name} {value:.3f}" for name, value in score_values(result).items())


def score_values(result: Mapping[str, Any]) -> dict[str, float]:
    """What the demo shows of an evaluation: how well spam is found, how often it is right, the loss."""
    spam = result["labels"][SPAM]
    return {
        _score("f1"): spam["f1"],
        _score("precision"): spam["precision"],
        _score("recall"): spam["recall"],
        _score("accuracy"): result["accuracy"],
        _score("loss"): result["loss"],
    }


def _score(name: str) -> str:
    return told(say("demo-score-label", score=name))


def failure(record: JobRecord) -> str:
    if record.error is None:
        status = say("job-status-row", status=record.status)
        return "  " + told(say("demo-job-ended-row", job=record.id, status=status))
    failed = say("demo-job-failed-row", job=record.id, problem=record.error.message)
    return f"  {told(failed)}\n  {record.error.remedy}"


def summary(document: Mapping[str, Any], data_dir: Path, pages: Sequence[Page], *, keep: bool) -> str:
    """Before and after, where the adapter is and how to use it, the reports, and what took how long."""
    lines = [""]
    before, after = document["evaluation"]["before"], document["evaluation"]["after"]
    if before and after:
        heads = say("demo-held-out-label"), say("demo-before-label"), say("demo-after-label")
        lines += ["{:16} {:>8} {:>8}".format(*map(told, heads))]
        now = score_values(after)
        lines += [f"{name:16} {value:8.3f} {now[name]:8.3f}" for name, value in score_values(before).items()]
    if document["adapter"] and document["ok"]:
        lines += [
            "",
            told(say("demo-adapter-row", folder=document["adapter"])),
            *_usage(document["adapter"], data_dir),
        ]
    lines += pages_text(pages)
    times = ", ".join(f"{name} {value:.1f}" for name, value in document["seconds"].items())
    lines += ["", told(say("demo-seconds-row", times=times))]
    if keep:
        lines += [told(say("demo-stack-runs"))]
    took = duration_text(document["seconds"]["total"])
    lines += [told(say("demo-done", time=took) if document["ok"] else say("demo-failed"))]
    return "\n".join(lines)


def _usage(adapter: str, data_dir: Path) -> list[str]:
    base = data_dir / "models" / DEMO_MODEL
    return [
        "  from peft import PeftModel; from transformers import AutoModelForCausalLM",
        f'  base = AutoModelForCausalLM.from_pretrained("{base}")',
        f'  model = PeftModel.from_pretrained(base, "{adapter}")',
    ]
