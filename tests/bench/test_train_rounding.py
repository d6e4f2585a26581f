"""What bf16 does to a plan, on a tiny model: little, but something; and numbers that are known beforehand."""

import re
from pathlib import Path

import torch

from bench import train_rounding
from bench.exact import make_fp32
from bench.train_rounding import Rounding
from tests.bench.conftest import Run
from tests.bench.messages import write_messages
from tests.tiny_models import make_tiny_llama
from tests.worker.training.tiny_bases import load

LINE = re.compile(r"(\S+) +loss ([+-][\d.]+)% ± ([\d.]+)% +cosine ([\d.]+) \(least ([\d.]+)\)")


def test_each_plan_is_near_fp32_but_not_equal_to_it(tmp_path: Path, run_here: Run) -> None:
    sms, model = write_messages(tmp_path / "sms.tsv", 60), make_tiny_llama(tmp_path / "model")
    done = run_here(
        train_rounding.main,
        "--sms", sms, "--model", model, "--scratch", tmp_path / "scratch", "--steps", "3", "--rows", "48",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    found = [LINE.match(line) for line in done.stdout.splitlines() if " loss " in line]
    assert [match and match[1] for match in found] == ["ours-auto", "ours-to-flat", "ours-longest"]
    for match in found:
        assert match
        mean, spread, cosine, least = (float(match[part]) for part in (2, 3, 4, 5))
        assert abs(mean) < 1
        assert 0 < spread < 1
        assert 0.99 < least <= cosine < 1


def test_the_numbers_are_those_of_the_steps() -> None:
    exact = [(2.0, torch.tensor([3.0, 4.0])), (4.0, torch.tensor([0.0, 1.0]))]
    ours = [(2.2, torch.tensor([6.0, 8.0])), (3.8, torch.tensor([1.0, 0.0]))]
    rounding = Rounding.of("arm", ours, exact)
    assert torch.allclose(torch.tensor(rounding.losses), torch.tensor([0.1, -0.05]))
    assert torch.allclose(
        torch.tensor([rounding.cosines, rounding.norms]), torch.tensor([[1.0, 0.0], [2.0, 1.0]])
    )
    assert rounding.line().startswith("arm            loss +2.500% ± 7.500%   cosine 0.50000 (least 0.00000)")


def test_fp32_has_the_weights_that_bf16_has(tmp_path: Path) -> None:
    base = load(make_tiny_llama(tmp_path / "model"), "nf4").model
    ids = torch.arange(1, 9)[None]
    with torch.no_grad():
        rounded = base(ids).logits
        make_fp32(base)
        exact = base(ids).logits
    assert {parameter.dtype for parameter in base.parameters()} == {torch.float32}
    assert exact.dtype == torch.float32
    assert not torch.equal(rounded.float(), exact)
    assert torch.allclose(rounded.float(), exact, atol=0.02 * float(exact.abs().max()))
