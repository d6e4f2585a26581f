"""A training under the probe: first cause, stages, phases and tokens; hooks that fail change nothing."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.cli.explain.tunedock_probe import FIELDS, seconds_text
from tests.explain.conftest import STEPS
from tests.explain.probed import Ended, own_findings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
OF_A_MICRO_BATCH = 2 * 512


def told(ended: Ended) -> Any:
    """What the script says at its end."""
    assert ended.status == 0, ended.err
    return json.loads(ended.out.splitlines()[-1])


def test_padding_is_named_first_with_its_numbers(explained: Ended) -> None:
    training = explained.report["training"]
    found = own_findings(training)[0]
    assert found["check"] == "padding"
    assert explained.report["verdict"] == training["verdict"] == training["findings"][0]["sentence"]
    assert re.search(r"\d\. 9\d of 100 computed tokens are padding\. Pad each micro-batch", explained.err)
    assert 0 < found["step_seconds"] < training["step_seconds"]["median"] / 2


def test_real_and_computed_tokens_are_counted_exactly(explained: Ended) -> None:
    tokens = explained.report["training"]["tokens"]
    assert tokens["rows"] == 16 * STEPS
    assert tokens["computed"] == STEPS * 8 * OF_A_MICRO_BATCH
    assert tokens["real"] == told(explained)["real_tokens"]
    assert tokens["real"] < tokens["longest"] < tokens["computed"]


def test_stages_are_those_of_the_script_s_own_clock(explained: Ended) -> None:
    """Within a generous bound: the machine may be busy. bench/NOTES.md has how closely they agree."""
    stages, clock = explained.report["stages"], told(explained)["clock"]
    for name in ("imports", "model_load", "tokenizing"):
        assert stages[name] == pytest.approx(clock[name], rel=0.15, abs=0.1), name
    training = sum(stages[name] for name in ("set_up", "training", "collating"))
    assert training == pytest.approx(clock["trainer"] + clock["train"], rel=0.15)


def test_every_moment_is_in_one_stage(explained: Ended) -> None:
    report = explained.report
    assert sum(report["stages"].values()) == pytest.approx(report["program"]["seconds"])


def test_the_phases_are_the_step(explained: Ended) -> None:
    training = explained.report["training"]
    phases = training["phases"]
    assert training["steps"] == training["planned_steps"] == len(training["step_seconds"]["each"]) == STEPS
    assert sum(phases.values()) == pytest.approx(training["step_seconds"]["median"])
    assert min(phases[name] for name in ("data", "forward", "recomputation", "backward", "optimizer")) > 0
    assert training["recomputed_segments"] == STEPS * 8 * 2  # two layers
    assert phases["recomputation"] < phases["forward"] * 3


def test_what_was_in_effect_is_told(explained: Ended) -> None:
    training = explained.report["training"]
    assert training["compute_dtype"] == "bfloat16"
    settings = training["settings"]
    assert (settings["per_device_train_batch_size"], settings["gradient_accumulation_steps"]) == (2, 8)
    assert settings["gradient_checkpointing"] is True
    assert settings["optim"] == "adamw_torch"


def test_the_report_has_one_step_time_and_one_time_of_the_run(explained: Ended) -> None:
    training = explained.report["training"]
    median = seconds_text(training["step_seconds"]["median"])
    assert f"  {median} in the median of the {STEPS - 1} steps after the first;" in explained.err
    assert f"{median} becomes about" in own_findings(training)[0]["sentence"]
    assert f"the training of {STEPS} steps took {seconds_text(training['seconds'])};" in explained.err


def test_the_load_is_told(explained: Ended) -> None:
    load = explained.report["load"]
    assert [file["format"] for file in load["files"]] == ["safetensors"] * 2
    assert load["bytes"] == sum(file["bytes"] for file in load["files"]) > 0
    assert 0 < load["quantize_seconds"] < load["seconds"]
    assert explained.report["opened"]["arrow"]["files"] >= 2


def test_the_program_computes_the_same(explained: Ended, plain: Ended) -> None:
    assert told(explained)["losses"] == told(plain)["losses"]
    assert len(told(plain)["losses"]) == STEPS


def test_hooks_that_fail_change_nothing_and_are_told(broken: Ended, plain: Ended) -> None:
    assert told(broken)["losses"] == told(plain)["losses"]
    failed = {failure["hook"] for failure in broken.report["probe"]["failures"]}
    assert {
        "transformers.trainer.Trainer.train", "transformers.trainer.Trainer.training_step",
        "torch.utils.data.dataloader._BaseDataLoaderIter.__next__", "torch.utils.checkpoint.checkpoint",
        "transformers.modeling_utils.PreTrainedModel.from_pretrained",
        "peft.utils.other.prepare_model_for_kbit_training", "peft.mapping_func.get_peft_model",
        "datasets.arrow_dataset.Dataset.map", "datasets.load.load_from_disk",
        "accelerate.accelerator.Accelerator.backward", "accelerate.optimizer.AcceleratedOptimizer.step",
    } <= failed  # fmt: skip
    for name in failed:
        assert f"hook {name} failed and was turned off: RuntimeError: broken on purpose" in broken.err


def test_the_report_has_the_fields_that_are_written_down(explained: Ended) -> None:
    """`a.b[].c` for every value; one that is empty here is the field, or what the field lies in."""
    patterns = [re.escape(name).replace(r"\*", r"[^.\[\]]+") for name in FIELDS]
    of_lists = [f"{pattern}(\\[\\])?" for pattern in patterns]
    unknown = [
        path
        for path in set(paths_of(explained.report))
        if not any(re.fullmatch(pattern, path) for pattern in of_lists)
        and not any(name.startswith((f"{path}.", f"{path}[")) for name in FIELDS)
    ]
    assert unknown == []


def paths_of(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from paths_of(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from paths_of(inner, f"{path}[]")
    else:
        yield path


def test_no_hook_fails(explained: Ended) -> None:
    assert explained.report["probe"]["failures"] == []
