"""The demo's results as text for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.cli.record_text import result_text
from services.cli.watch import duration_text
from shared.schemas import JobRecord
from shared.settings import DEMO_MODEL

SCORES = ("f1", "precision", "recall", "accuracy", "loss")


def findings(result: Mapping[str, Any]) -> str:
    return result_text(dict(result))


def scores(result: Mapping[str, Any]) -> str:
    """The scores of one evaluation on a line."""
    return "  " + "  ".join(f"{name} {_number(result.get(name))}" for name in SCORES if name in result)


def failure(record: JobRecord) -> str:
    if record.error is None:
        return f"  {record.id} was {record.status}"
    return f"  {record.id} failed: {record.error.message}\n  {record.error.remedy}"


def summary(document: Mapping[str, Any], data_dir: Path, *, keep: bool) -> str:
    """Before and after, where the adapter is and how to use it, and what took how long."""
    lines = [""]
    before, after = document["evaluation"]["before"], document["evaluation"]["after"]
    if before and after:
        lines += [f"{'':10} {'before':>8} {'after':>8}"]
        lines += [
            f"{name:10} {_number(before.get(name)):>8} {_number(after.get(name)):>8}"
            for name in SCORES
            if name in before and name in after
        ]
    if document["adapter"] and document["ok"]:
        lines += [
            "",
            f"The adapter is in {document['adapter']}. To use it with peft:",
            *_usage(document["adapter"], data_dir),
        ]
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


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}"
