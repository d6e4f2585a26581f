"""Importing bitsandbytes fetches no code, and says nothing about that it could not."""

import subprocess
import sys
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[3]


def test_no_kernel_is_fetched_while_bitsandbytes_is_imported(tmp_path: Path) -> None:
    """A stand-in for the package `kernels`: if anything asks it for a kernel, a file tells."""
    marker = tmp_path / "asked"
    package = tmp_path / "packages" / "kernels"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"def get_kernel(*args, **kwargs):\n    open({str(marker)!r}, 'w')\n    raise RuntimeError\n"
    )
    script = "\n".join(
        (
            "import services.worker.models.quantized.nf4 as nf4, sys, torch",
            "assert nf4.bitsandbytes.nn.Linear4bit",
            "import kernels",
            "print(kernels.__file__)",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": f"{tmp_path / 'packages'}:{PROJECT_ROOT}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not marker.exists()
    assert str(package) in done.stdout  # others may use the package all the same
    assert "kernel" not in done.stderr
