"""Reports of loads as the worker writes them: of recorded and of made-up models, old and new."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.report import make_report
from shared.messages.message import say
from shared.reports.load_facts import LoadFacts, TrialFailure
from shared.reports.model_files import CacheVariable, WeightFile
from tests.stored_samples import REPORTS as STORED_REPORTS
from tests.stored_samples import stored
from tests.worker.diagnosis.diagnosed import GB, changed, healthy, recorded

HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>&amp;\u202egnp.exe"
PHASES = ("resolve", "read", "deserialize", "quantize", "move", "rest")
FLOAT32 = recorded("exaone_float32_on_a_hard_disk")


def report_of(facts: LoadFacts) -> dict[str, Any]:
    return dict(json.loads(make_report(facts, run_checks(facts)).model_dump_json()))


def run(name: str, *seconds: float, weight_bytes: int, limit: float | None, cached: int) -> dict[str, Any]:
    """One of the three runs; `seconds` of the phases in their order."""
    return {
        "name": name,
        "total_seconds": round(sum(seconds), 2),
        "phase_seconds": dict(zip(PHASES, seconds, strict=True)),
        "weight_bytes": weight_bytes,
        "limit_seconds": limit,
        "cached_bytes_before": cached,
    }


def old_report() -> dict[str, Any]:
    """As the first release wrote it: one load, no runs, nothing predicted for the whole load."""
    return report_of(FLOAT32)


def slow_disk() -> dict[str, Any]:
    """Float32 on a hard disk, loaded three times; the quantized copy was made and measured."""
    report = old_report()
    total = report["summary"]["weight_bytes"]
    report["summary"] |= {
        "runs": [
            run("cold", 1.1, 63.42, 0.2, 0.1, 0.2, 1.7, weight_bytes=total, limit=63.72, cached=0),
            run("warm", 0.9, 1.86, 0.21, 3.4, 0.2, 1.6, weight_bytes=total, limit=None, cached=total),
            run(
                "prepared", 0.8, 0.41, 0.0, 0.0, 0.17, 1.22, weight_bytes=1_630_000_000, limit=None,
                cached=1_630_000_000,
            ),
        ],
        "storage_seconds": 58.55,
        "quantize_seconds": 5.57,
        "fixed_seconds": 2.6,
    }  # fmt: skip
    for finding in report["findings"]:
        for remedy in finding["remedies"]:
            saves = remedy.get("saves_seconds")
            remedy["predicted_seconds"] = None if saves is None else round(66.72 - saves, 2)
    copy = report["findings"][0]["remedies"][0]
    report["applied"] = [
        {
            "remedy": "nf4_copy",
            "action": copy["action"],
            "before_seconds": 66.72,
            "predicted_seconds": copy["predicted_seconds"],
            "measured_seconds": 14.31,
            "limit_seconds": 10.79,
            "note": "loaded cold, 0 bytes of the copy in memory before",
        }
    ]
    return report


def healthy_report() -> dict[str, Any]:
    return report_of(healthy())


def broken_report() -> dict[str, Any]:
    """A shard is missing, so the load failed."""
    index = "model.safetensors.index.json"
    missing = say("index-names-missing", file=index, name="model-00002-of-00002.safetensors")
    half = WeightFile(
        name="model-00001-of-00002.safetensors", format="safetensors", bytes=812 * 10**6, opened=True,
        problem=say("safetensors-truncated", file="model-00001-of-00002.safetensors", bytes=8, described=49),
    )  # fmt: skip
    facts = changed(
        FLOAT32,
        checkpoint__files=(half,),
        checkpoint__problems=(missing,),
        trial=None,
        trial_failure=TrialFailure(
            code="model_unreadable",
            message=say("safetensors-too-short", file="model.safetensors", bytes=5),
            remedy=say("fetch-config"),
        ),
        read_speed=None,
    )
    return report_of(facts)


def hostile_report() -> dict[str, Any]:
    """Names that are markup, that never end or turn the reading around; forty shards on a Windows drive."""
    long = "a" * 300
    names = [f"{HOSTILE}-{long}.safetensors", *(f"model-{n:05}-of-00040.safetensors" for n in range(2, 41))]
    files = tuple(
        WeightFile(name=name, format="safetensors", bytes=int(1.45 * GB), opened=True) for name in names
    )
    facts = changed(
        FLOAT32,
        model=f"org/{HOSTILE}",
        checkpoint__files=files,
        checkpoint__folder=f"/mnt/c/{HOSTILE}/{long}",
        cache__variables=(
            CacheVariable(
                name="TRANSFORMERS_CACHE",
                value=f"/{HOSTILE}",
                effect="ignored",
                reason=say("variable-outranked-piece", first=HOSTILE),
            ),
        ),
        storage__storage_class="host share",
        storage__filesystem="9p",
        storage__source="C:\\",
        storage__mount_point="/mnt/c",
        storage__real_path=f"/mnt/c/{HOSTILE}/{long}",
        storage__block_device=None,
        storage__unknown={"block_device": say("no-block-device-piece", filesystem=HOSTILE)},
        versions={HOSTILE: HOSTILE},
    )
    report = report_of(facts)
    one = run(HOSTILE, 1, 460, 2, 30, 1, 3, weight_bytes=58 * 10**9, limit=384.1, cached=0)
    one["phase_seconds"][HOSTILE] = 5.0
    report["summary"] |= {"runs": [one], "shard_seconds": 12.33}
    report["applied"] = [{"remedy": HOSTILE, "action": HOSTILE, "measured_seconds": 3.0, "note": HOSTILE}]
    return report


REPORTS: dict[str, Callable[[], dict[str, Any]]] = {
    "old": old_report,
    "slow": slow_disk,
    "healthy": healthy_report,
    "broken": broken_report,
    "hostile": hostile_report,
    **{name: partial(stored, name) for name in STORED_REPORTS},
}
