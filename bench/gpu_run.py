"""What `bench.gpu` runs once all packages are there: the protocol's arms under the cap of a 6 GB card."""

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig

from bench.arm_process import ArmStep
from bench.document import Samples, machine, say
from bench.options import count, names
from bench.train_arms.token_file import TokenFile
from bench.train_inputs import full_rows, make_start, random_rows
from bench.train_measure import ARMS_AT_ONCE, SEED, Inputs, Measuring, Results, Steps, measure
from bench.weights import make_model
from services.worker.computing.plan.utilization import ModelArithmetic, matrix_flops_per_second
from shared.settings import PROJECT_ROOT

ARMS = ("hf-user", "hf-grouped", "trl-best", "ours-baseline", "ours-auto")
CASES = {"short": random_rows, "full512": full_rows}
CAP_BYTES = 5_200_000_000
CONTEXT_BYTES = 600_000_000  # of each process, beside what its allocator may take
# Three turns of all arms in both cases, loading included, are to take less than ten minutes.
STEPS = {
    "hf-user": Steps(1, 2), "hf-grouped": Steps(1, 4), "ours-baseline": Steps(1, 2), "*": Steps(3, 12),
}  # fmt: skip
FIRST_LOSS_BAR, NORM_BAR = 1e-3, (0.98, 1.02)


@dataclass(frozen=True)
class ArmFigures:
    """Of the counted steps: medians; `model_flops_share` is of the device's own matrix products (MFU)."""

    case: str
    arm: str
    seconds_per_16_rows: float
    real_tokens_per_second: float
    peak_bytes: int | None
    model_flops_share: float


def main() -> int:
    arguments = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type != "cuda" and not arguments.without_card:
        print("bench.gpu: torch sees no CUDA card; --without-card tries the same on the CPU", file=sys.stderr)
        return 1
    scratch, started = Path(arguments.scratch).resolve(), time.monotonic()
    scratch.mkdir(parents=True, exist_ok=True)
    samples, results, figures = Samples(), dict[str, Results](), list[ArmFigures]()
    document: dict[str, Any] = {"notes": [], "seconds": 0.0}
    with TemporaryDirectory(prefix="bench-gpu-", dir=scratch) as name:
        say("making model and rows: the shapes of EXAONE-3.5-2.4B, random weights, random tokens")
        model = arguments.model or make_model(
            scratch / f"exaone-2.4b-{arguments.layers or 30}", layers=arguments.layers
        )
        measuring = Measuring(
            repeats=arguments.repeats,
            scratch=scratch,
            folder=Path(name),
            device=device.type,
            steps={"*": Steps(0, 1)} if arguments.quick else STEPS,
            memory_cap_bytes=arguments.cap_bytes if device.type == "cuda" else None,
            arms_at_once=arms_at_once(device, arguments.cap_bytes),
            load_together=device.type == "cuda",
            peers_here=importlib.util.find_spec("trl") is not None,
        )
        for case in arguments.cases:
            inputs = make_random_inputs(model, Path(name) / case, arguments.rows, CASES[case])
            results[case] = measure(f"{case}/all", inputs, arguments.arms, measuring, samples)
            figures += figures_of(case, results[case], inputs, measuring, device)
            document = document_of(results, figures, samples, measuring, time.monotonic() - started)
            if arguments.json:  # after each case: a lent machine may be taken away before the last
                Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    print(table(figures, document))
    return int(not all(loss_bar(of)[0] for of in results.values()))


def document_of(
    results: Mapping[str, Results],
    figures: Sequence[ArmFigures],
    samples: Samples,
    measuring: Measuring,
    seconds: float,
) -> dict[str, Any]:
    notes = [f"{case} {arm}: {why}" for case, of in results.items() for arm, why in of.failures.items()]
    return {
        "bench": "train",
        "machine": machine(),
        "cap_bytes": measuring.memory_cap_bytes,
        "rows": samples.rows(),
        "notes": notes + [f"{case}: {line}" for case, of in results.items() for line in loss_bar(of)[1]],
        "figures": [asdict(figure) for figure in figures],
        "losses": {
            case: {arm: [step.loss for step in steps] for arm, steps in of.steps.items()}
            for case, of in results.items()
        },
        "seconds": seconds,
    }


def arms_at_once(device: torch.device, cap_bytes: int) -> int:
    """A small card holds one arm's model at a time: then its turns follow each other."""
    if device.type != "cuda":
        return ARMS_AT_ONCE
    return max(1, torch.cuda.mem_get_info(device)[0] // (cap_bytes + CONTEXT_BYTES))


def make_random_inputs(
    model: Path, folder: Path, rows: int, make_rows: Callable[..., TokenFile] = random_rows
) -> Inputs:
    folder.mkdir(exist_ok=True)
    file = make_rows(AutoConfig.from_pretrained(model).vocab_size, rows, seed=SEED)
    return Inputs(
        model,
        file.write(folder / "rows.safetensors"),
        make_start(model, folder / "start", seed=SEED),
        rows,
        file.tokens / rows,
    )


def figures_of(
    case: str, results: Results, inputs: Inputs, measuring: Measuring, device: torch.device
) -> list[ArmFigures]:
    """Of the arms that came to the end of at least one turn."""
    adapter = load_file(inputs.start / "adapter_model.safetensors")
    targets = TokenFile.read(inputs.rows).targets
    arithmetic = ModelArithmetic.of(
        AutoConfig.from_pretrained(inputs.model),
        adapter_parameters=sum(weight.numel() for weight in adapter.values()),
    )
    target_share = sum(map(sum, targets)) / sum(map(len, targets))
    flops = arithmetic.flops(tokens=1, targets=target_share, rows=1 / inputs.mean_tokens)
    limit = matrix_flops_per_second(device)
    counted = {arm: steps[measuring.steps_of(arm).warm_up :] for arm, steps in results.steps.items()}
    return [_figures(case, arm, steps, flops / limit) for arm, steps in counted.items() if steps]


def _figures(case: str, arm: str, steps: list[ArmStep], share_at_one_token: float) -> ArmFigures:
    rate = statistics.median(step.tokens / step.seconds for step in steps)
    peaks = [step.peak_bytes for step in steps if step.peak_bytes is not None]
    return ArmFigures(
        case,
        arm,
        seconds_per_16_rows=statistics.median(16 * step.seconds / step.rows for step in steps),
        real_tokens_per_second=rate,
        peak_bytes=max(peaks, default=None),
        model_flops_share=rate * share_at_one_token,
    )


def loss_bar(results: Results) -> tuple[bool, list[str]]:
    """Whether `auto` began as the baseline did, and how far apart the steps were that both took."""
    pairs = list(
        zip(results.steps.get("ours-auto", []), results.steps.get("ours-baseline", []), strict=False)
    )
    if not pairs:
        return False, ["losses can't be compared: ours-auto and ours-baseline did not both run"]
    apart = [abs(one.loss - other.loss) / other.loss for one, other in pairs]
    norms = [one.grad_norm / other.grad_norm for one, other in pairs]
    kept = apart[0] <= FIRST_LOSS_BAR and NORM_BAR[0] <= norms[0] <= NORM_BAR[1]
    return kept, [
        f"losses of ours-auto and ours-baseline differ by {apart[0]:.3%} in step 1 (allowed "
        f"{FIRST_LOSS_BAR:.1%}), {max(apart):.3%} at most in {len(pairs)} steps",
        f"the ratio of their gradients' norms is {norms[0]:.4f} in step 1 (allowed {NORM_BAR[0]} to "
        f"{NORM_BAR[1]})",
    ]


def table(figures: Sequence[ArmFigures], document: dict[str, Any]) -> str:
    lines = [f"{'case':8} {'arm':16} {'s / 16 rows':>11} {'real tokens/s':>14} {'peak GB':>8} {'MFU':>7}"]
    for figure in figures:
        peak = "-" if figure.peak_bytes is None else f"{figure.peak_bytes / 1e9:.2f}"
        lines.append(
            f"{figure.case:8} {figure.arm:16} {figure.seconds_per_16_rows:11.3f} "
            f"{figure.real_tokens_per_second:14.0f} {peak:>8} {figure.model_flops_share:7.1%}"
        )
    return "\n".join([*lines, *document["notes"], f"{document['seconds']:.0f} s in all"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu")
    add = parser.add_argument
    add("--json", metavar="FILE", help="write rows and figures to FILE")
    add("--cases", type=names(tuple(CASES)), default=list(CASES), metavar="NAME,…", help=", ".join(CASES))
    add("--arms", type=names(ARMS), default=list(ARMS), metavar="NAME,…", help=", ".join(ARMS))
    add("--repeats", type=count, default=3, metavar="N")
    add("--rows", type=count, default=2000, metavar="N", help="how many to choose from")
    add("--layers", type=int, metavar="N", help="fewer than 30 for a quick try")
    add("--cap-bytes", type=int, default=CAP_BYTES, metavar="N", help="of the card's memory, for each arm")
    add("--quick", action="store_true", help="one step a turn, no warm-up")
    add("--without-card", action="store_true", help="the same on the CPU, to try the code")
    add("--model", type=Path, metavar="FOLDER", help="another Llama")
    add("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
