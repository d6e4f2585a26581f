"""Reports and records as earlier releases stored them."""

import json
from pathlib import Path
from typing import Any

STORED = Path(__file__).parent / "samples/stored"
REPORTS = sorted(path.stem for path in STORED.glob("*.json") if not path.stem.endswith("_record"))
RECORDS = sorted(path.stem for path in STORED.glob("*_record.json"))


def stored(name: str) -> dict[str, Any]:
    return dict(json.loads((STORED / f"{name}.json").read_text(encoding="utf-8")))


def told(name: str) -> str:
    """What the command said of the record when it was stored."""
    return (STORED / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")
