"""A minute of chaos on the whole real service: nothing lost, nothing doubled, nothing stuck."""

from pathlib import Path

import pytest

from tests.chaos.drive import run
from tests.chaos.plan import draw

SEED = 31
# Those that pass within seconds: who hangs is found after a while only (tests/flow/test_hangs.py).
QUICK = (
    "kill_child", "spoil_checkpoint", "kill_store", "kill_api", "freeze_store", "store_memory_full",
    "drop_connections", "fill_data_disk", "fill_store_disk", "pause_one", "cancel_one", "submit_at_once",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_minute_of_faults_loses_doubles_and_strands_no_job(tmp_path: Path) -> None:
    plan = draw(SEED, 0.2, jobs=4, gap_seconds=1.5, names=QUICK, specs=("short", "middle"))
    outcome = run(plan, tmp_path)
    told = "\n".join(f"{found.rule}: {found.job_id or ''} {found.what}" for found in outcome.violations)
    assert not outcome.violations, f"{told}\nagain: python -m tests.chaos --replay {tmp_path}/plan.jsonl"
    assert outcome.figures["adapters_equal"] > len(plan.jobs) / 3
    assert outcome.figures["faults"] > len(plan.faults) / 2
