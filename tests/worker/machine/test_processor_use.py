"""Who had the processors: read from recorded counters, and from this machine."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.worker.machine.processor_use import ProcessorWatch

TICKS = 100  # a second, on every Linux


def record(root: Path, *, machine: int, own: int, ran: float, waited: float) -> None:
    """Ticks of all programs and of this one; seconds that its thread ran and waited."""
    (root / "proc/self/task/7").mkdir(parents=True, exist_ok=True)
    (root / "proc/stat").write_text(f"cpu {machine - 20} 10 10 9000 500 0 0 0 7 3\ncpu0 1 1\n")
    fields = ["S", *("0" for _ in range(10)), str(own - 4), "4", "0"]
    (root / "proc/self/stat").write_text(f"7 (a name) with) {' '.join(fields)}")
    (root / "proc/self/task/7/schedstat").write_text(f"{ran * 1e9:.0f} {waited * 1e9:.0f} 12\n")


def test_others_are_the_machine_less_this_process_without_idle_and_guests(tmp_path: Path) -> None:
    record(tmp_path, machine=1000, own=100, ran=1.0, waited=0.0)
    watch = ProcessorWatch(3, tmp_path)
    record(tmp_path, machine=1000 + 300 * TICKS, own=100 + 100 * TICKS, ran=31.0, waited=10.0)
    use = watch.read()
    assert use.own_processors == pytest.approx(100 / use.seconds)
    assert use.others_processors == pytest.approx(200 / use.seconds)
    assert use.waited_ratio == pytest.approx(0.25)
    assert use.threads == 3


def test_a_thread_that_began_meanwhile_counts_and_one_that_ended_does_not(tmp_path: Path) -> None:
    record(tmp_path, machine=100, own=10, ran=1.0, waited=0.0)
    ended = tmp_path / "proc/self/task/8"
    ended.mkdir()
    (ended / "schedstat").write_text("9000000000 9000000000 1\n")
    watch = ProcessorWatch(1, tmp_path)
    (ended / "schedstat").unlink()
    begun = tmp_path / "proc/self/task/9"
    begun.mkdir()
    (begun / "schedstat").write_text("3000000000 1000000000 1\n")
    assert watch.read().waited_ratio == pytest.approx(0.25)


def test_a_system_without_these_files_tells_nothing(tmp_path: Path) -> None:
    use = ProcessorWatch(1, tmp_path).read()
    assert (use.own_processors, use.others_processors, use.waited_ratio) == (None, None, None)
    assert use.processors > 0


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux's schedstat")
def test_a_program_beside_this_one_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            time.sleep(0.3)
            watch, until = ProcessorWatch(1), time.process_time() + 0.3
            while time.process_time() < until:
                pass
            use = watch.read()
        finally:
            other.kill()
    assert (use.own_processors or 0) > 0
    assert (use.others_processors or 0) > 0.1
    assert 0 <= (use.waited_ratio or 0) < 1
