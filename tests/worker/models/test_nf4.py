"""Importing bitsandbytes fetches no code and says nothing of that; it compiles nothing yet."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from services.worker.models.quantized.own_kernels import _compiling_when_called

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
            "assert 'torch._inductor.compile_fx' not in sys.modules",
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


def test_a_function_is_compiled_when_it_is_first_called_and_only_then() -> None:
    compiled: list[str] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., object]:
        compiled.append("once")
        return graph.forward

    before = torch.compile
    with _compiling_when_called():
        plainly = torch.compile(torch.square, backend=backend)
        decorated = torch.compile(backend=backend, dynamic=False)(torch.exp)
    assert torch.compile is before
    assert compiled == []
    for _ in range(2):
        assert plainly(torch.tensor([3.0])) == 9
    assert compiled == ["once"]
    assert decorated(torch.zeros(1)) == 1
    assert compiled == ["once"] * 2
