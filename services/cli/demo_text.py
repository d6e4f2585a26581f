"""The demo's results as text for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.cli.demo_reports import Page, pages_text
from services.cli.outcome.outcome import plain
from services.cli.watch import duration_text
from shared.reports.preparation import Preparation
from shared.reports.stored import read_stored
from shared.schemas import JobRecord
from shared.settings import DEMO_MODEL

SPAM = "spam"


def findings(result: Mapping[str, Any]) -> str:
    return plain(dict(result))


def prepared(diagnosis: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """What the copy on disk brought, on a line."""
    preparation = read_stored(Preparation, result)
    before, after = diagnosis.get("load_seconds"), preparation.load.after_seconds
    gain = "what loading takes from now on was not measured"
    if before is not None and after is not None:
        gain = f"loading took {before:.1f} s and takes {after:.1f} s from now on"
    sizes = (preparation.source_bytes, preparation.artifact_bytes or 0)
    return f"  {sizes[0] / 1e6:.0f} MB became {sizes[1] / 1e6:.0f} MB; {gain}"


def scores(result: Mapping[str, Any]) -> str:
    """The scores of one evaluation on a line."""
    return "  " + "  ".join(f"{name} {value:.3f}" for name, value in score_values(result).items())


def score_values(result: Mapping[str, Any]) -> dict[str, float]:
    """What the demo shows of an evaluation: how well spam is found, how often it is right, the loss."""
    spam = result["labels"][SPAM]
    return {
        "spam F1": spam["f1"],
        "precision": spam["precision"],
        "recall": spam["recall"],
        "accuracy": result["accuracy"],
        "loss": result["loss"],
    }


def failure(record: JobRecord) -> str:
    if record.error is None:
        return f"  {record.id} was {record.status}"
    return f"  {record.id} failed: {record.error.message}\n  {record.error.remedy}"


def summary(document: Mapping[str, Any], data_dir: Path, pages: Sequence[Page], *, keep: bool) -> str:
    """Before and after, where the adapter is and how to use it, the reports, and what took how long."""
    lines = [""]
    before, after = document["evaluation"]["before"], document["evaluation"]["after"]
    if before and after:
        lines += [f"{'on held-out rows':16} {'before':>8} {'after':>8}"]
        now = score_values(after)
        lines += [f"{name:16} {value:8.3f} {now[name]:8.3f}" for name, value in score_values(before).items()]
    if document["adapter"] and document["ok"]:
        lines += [
            "",
            f"The adapter is in {document['adapter']}. To use it with peft:",
            *_usage(document["adapter"], data_dir),
        ]
    lines += pages_text(pages)
    lines += [
        "",
        "Seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in document["seconds"].items()),
    ]
    if keep:
        lines += ["The stack still runs: ./tunedock jobs looks at it, ./tunedock down stops it."]
    lines += [
        f"Done in {duration_text(document['seconds']['total'])}." if document["ok"] else "The demo failed."
    ]
    return "\n".join(lines)


def _usage(adapter: str, data_dir: Path) -> list[str]:
    base = data_dir / "models" / DEMO_MODEL
    return [
        "  from peft import PeftModel; from transformers import AutoModelForCausalLM",
        f'  base = AutoModelForCausalLM.from_pretrained("{base}")',
        f'  model = PeftModel.from_pretrained(base, "{adapter}")',
    ]
