"""A fine-tuning job from rows to a published adapter, interrupted in every way."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from services.worker import metrics
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from services.worker.running_job import JobCancelled, JobStopped, LeaseLost, WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.disk_space import Patience
from services.worker.training.done_step import DoneStep
from services.worker.training.fine_tuning import fine_tune
from services.worker.training.loop import diverged
from services.worker.training.run_state import RunState
from shared import sealed_folder
from shared.job_folder import JobFolder
from shared.messages.document import in_sentences
from shared.messages.message import read_stored, say
from shared.messages.render import in_english
from shared.schemas.hyperparameters import Hyperparameters, LearningRateSchedule, Lora
from shared.schemas.requests import FineTuningRequest
from tests.thorough import thorough
from tests.worker.training.test_checkpoints import files_limited_to
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

SETTINGS = Hyperparameters(
    n_epochs=2,
    global_batch_size=8,
    learning_rate=5e-3,
    max_seq_length=128,
    lora=Lora(r=4, alpha=8, dropout=0.1),
)
REQUEST = FineTuningRequest(dataset="spam", hyperparameters=SETTINGS)


@pytest.fixture
def data(write_rows: WriteRows, spam_rows: Rows) -> DatasetFile:
    """Forty rows: two epochs of five steps."""
    return write_rows(spam_rows, "classification")


def run(
    base: LoadedModel,
    data: DatasetFile,
    job_folder: Path,
    report: RecordedJob | None = None,
    *,
    request: FineTuningRequest = REQUEST,
    attempt: int = 1,
    checkpoint_seconds: float = 0.0,
    **more: Any,
) -> dict[str, Any]:
    more.setdefault("validation", None)
    return fine_tune(
        base,
        request,
        training=data,
        job_folder=JobFolder(job_folder),
        attempt=attempt,
        checkpoint_seconds=checkpoint_seconds,
        job=report or RecordedJob(),
        **more,
    )


def adapter_bytes(job_folder: Path) -> bytes:
    return (job_folder / "adapter" / "adapter_model.safetensors").read_bytes()


def with_settings(**changed: Any) -> FineTuningRequest:
    return FineTuningRequest(dataset="spam", hyperparameters=SETTINGS.model_copy(update=changed))


def test_an_nf4_base_learns_and_says_how(llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    report, observed = RecordedJob(), list[DoneStep]()
    result = run(llama_nf4, data, tmp_path, report, validation=data, observe=observed.append)
    assert report.losses[-1] < 0.8 * report.losses[0]
    assert result["steps"] == len(observed) == len(report.losses) == 10
    assert [point["step"] for point in result["validation"]] == [5, 10]
    assert result["validation_loss"] == result["validation"][-1]["loss"] < report.losses[0]
    assert result["first_train_loss"] == report.losses[0]
    assert result["trained_tokens"] == sum(step.real_tokens for step in observed)
    assert result["labels"] == ["ham", "spam"]
    assert all(step.grad_norm > 0 for step in observed)
    told = {phase for step in observed for phase in step.phase_seconds}
    assert told == set(metrics.STEP_PHASES) - {"recomputation"}  # the plan computes nothing again
    assert {bucket for step in observed for bucket in step.between_seconds} <= set(metrics.BETWEEN)
    assert "validation" in observed[5].between_seconds
    assert observed[5].step_seconds == sum(observed[5].phase_seconds.values())
    assert observed[-1].eta_seconds == 0
    assert all(step.utilization is not None and 0 < step.utilization < 1 for step in observed)
    assert list(dict.fromkeys(report.stages))[-6:] == [
        "tokenizing", "attaching the adapter", "planning the steps", "predicting", "training", "publishing",
    ]  # fmt: skip
    assert report.stages[-1] == "publishing"
    assert report.checkpoints[-1] == 10
    json.dumps(result, allow_nan=False)


def test_steps_and_validations_share_their_dequantized_weights(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept twice they would take twice the memory that was reckoned with. Before the first step some are
    dequantized for the prediction, and let go.
    """
    dequantized, original = list[Any](), bitsandbytes.functional.dequantize_4bit
    report = RecordedJob()

    def counted(weight: torch.Tensor, *rest: Any, **more: Any) -> torch.Tensor:
        if report.stages[-1] != "predicting":
            dequantized.append(weight.data_ptr())
        return original(weight, *rest, **more)

    monkeypatch.setattr(bitsandbytes.functional, "dequantize_4bit", counted)
    own_layers = with_settings(lora=Lora(r=4, alpha=8))
    run(llama_nf4, data, tmp_path, report, validation=data, request=own_layers)
    layers = [part for part in llama_nf4.model.modules() if isinstance(part, bitsandbytes.nn.Linear4bit)]
    assert sorted(dequantized) == sorted(layer.weight.data_ptr() for layer in layers)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # PEFT's
def test_the_published_adapter_is_whole_and_plain_peft_loads_it(
    llama: LoadedModel, tiny_llama_folder: Path, data: DatasetFile, tmp_path: Path
) -> None:
    result = run(llama, data, tmp_path)
    folder = tmp_path / "adapter"
    assert sealed_folder.verified_manifest(folder) is not None
    assert result["manifest_sha256"] == sealed_folder.manifest_sha256(folder)
    assert (folder / "tokenizer.json").read_bytes() == (tiny_llama_folder / "tokenizer.json").read_bytes()
    assert {tensor.dtype for tensor in load_file(folder / "adapter_model.safetensors").values()} == {
        torch.float32
    }
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama_folder)
    ids = torch.arange(1, 17).unsqueeze(0)
    with torch.no_grad():
        before = plain(ids).logits
        adapted = PeftModel.from_pretrained(plain, str(folder)).eval()
        after = adapted(ids).logits
    assert (after - before).abs().max() > 0.1
    assert list((tmp_path / "attempts" / "1").iterdir()) == []


def test_the_same_job_twice_gives_the_same_adapter(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path / "first")
    run(llama, data, tmp_path / "second")
    assert adapter_bytes(tmp_path / "first") == adapter_bytes(tmp_path / "second")


@pytest.mark.parametrize("name", ["llama", "llama_nf4"])
def test_a_drained_job_goes_on_to_the_bit_equal_adapter(
    name: str, request: pytest.FixtureRequest, data: DatasetFile, tmp_path: Path
) -> None:
    base: LoadedModel = request.getfixturevalue(name)
    whole = run(base, data, tmp_path / "whole", validation=data)
    drained = RecordedJob(stop=WorkerDraining, at_step=4)
    with pytest.raises(WorkerDraining):
        run(base, data, tmp_path / "parts", drained, validation=data, checkpoint_seconds=1000)
    assert drained.checkpoints[-1] == len(drained.losses) == 4  # the step the order came with is told too
    assert not (tmp_path / "parts" / "adapter").exists()
    resumed = RecordedJob()
    result = run(base, data, tmp_path / "parts", resumed, attempt=2, validation=data)
    assert len(resumed.losses) == 6
    assert adapter_bytes(tmp_path / "parts") == adapter_bytes(tmp_path / "whole")
    assert result["resumed_from_step"] == 4
    for name_of_equal in ("validation", "train_loss", "trained_tokens", "computed_tokens", "steps"):
        assert result[name_of_equal] == whole[name_of_equal]


def test_a_torn_checkpoint_costs_no_more_than_the_way_from_the_one_before(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path / "whole")
    for attempt, step in ((1, 3), (2, 6)):
        report = RecordedJob(stop=WorkerDraining, at_step=step)
        with pytest.raises(WorkerDraining):
            run(llama, data, tmp_path / "parts", report, attempt=attempt)
    steps = sorted((tmp_path / "parts" / "checkpoints").iterdir(), key=lambda path: int(path.name[5:]))
    newest = steps[-1] / "adapter_model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    resumed = RecordedJob()
    result = run(llama, data, tmp_path / "parts", resumed, attempt=3)
    assert resumed.codes() == ["resume_rejected", "predicted"]
    assert result["resumed_from_step"] == int(steps[-2].name[5:]) < 6
    assert adapter_bytes(tmp_path / "parts") == adapter_bytes(tmp_path / "whole")


@pytest.mark.parametrize("rank", [4, 64])  # below 4,096 numbers a state stays in 32 bits
def test_a_drained_job_with_8_bit_adamw_goes_on_to_the_bit_equal_adapter(
    rank: int, llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    asked = with_settings(optim="adamw_8bit", lora=Lora(r=rank, alpha=2 * rank))
    run(llama, data, tmp_path / "whole", request=asked)
    run(llama, data, tmp_path / "adamw", request=with_settings(lora=asked.hyperparameters.lora))
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path / "parts", RecordedJob(stop=WorkerDraining, at_step=4), request=asked)
    states = load_file(tmp_path / "parts" / "checkpoints" / "step-4" / "optimizer.safetensors")
    assert (torch.uint8 in {value.dtype for value in states.values()}) == (rank == 64)
    result = run(llama, data, tmp_path / "parts", attempt=2, request=asked)
    assert result["resumed_from_step"] == 4
    assert adapter_bytes(tmp_path / "parts") == adapter_bytes(tmp_path / "whole")
    assert adapter_bytes(tmp_path / "parts") != adapter_bytes(tmp_path / "adamw")


@pytest.mark.parametrize(
    "schedule",
    [
        "linear",
        pytest.param("constant", marks=thorough),
        pytest.param("constant_with_warmup", marks=thorough),
    ],
)
def test_under_every_schedule_a_drained_job_goes_on_to_the_bit_equal_adapter(
    schedule: LearningRateSchedule, llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    asked = with_settings(lr_scheduler_type=schedule)
    run(llama, data, tmp_path / "whole", request=asked)
    run(llama, data, tmp_path / "cosine")
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path / "parts", RecordedJob(stop=WorkerDraining, at_step=4), request=asked)
    result = run(llama, data, tmp_path / "parts", attempt=2, request=asked)
    assert result["resumed_from_step"] == 4
    assert adapter_bytes(tmp_path / "parts") == adapter_bytes(tmp_path / "whole")
    assert adapter_bytes(tmp_path / "parts") != adapter_bytes(tmp_path / "cosine")


def test_a_checkpoint_of_before_there_were_schedules_and_optimizers_is_resumed(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path, RecordedJob(stop=WorkerDraining, at_step=4))
    newest = max((tmp_path / "checkpoints").iterdir(), key=lambda path: int(path.name[5:]))
    kept = json.loads((newest / sealed_folder.MANIFEST).read_text(encoding="utf-8"))
    assert not {"lr_scheduler_type", "optim"} & kept["fingerprint"]["hyperparameters"].keys()
    assert run(llama, data, tmp_path, attempt=2)["resumed_from_step"] == 4


@pytest.mark.parametrize(
    ("schedule", "said"), [("cosine", "warmup_ratio"), ("constant", "constant_with_warmup")]
)
def test_a_remedy_of_a_diverged_training_is_one_that_its_schedule_has(
    schedule: LearningRateSchedule, said: str
) -> None:
    failed = diverged(RunState(step=3, bad_steps=3), Hyperparameters(lr_scheduler_type=schedule))
    assert said in in_english(read_stored(failed.failure.remedy))


def test_a_checkpoint_of_other_settings_is_not_resumed(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path, RecordedJob(stop=WorkerDraining, at_step=4))
    report = RecordedJob()
    result = run(llama, data, tmp_path, report, attempt=2, request=with_settings(learning_rate=1e-3))
    assert report.codes() == ["resume_rejected", "predicted"]
    assert (result["resumed_from_step"], len(report.losses)) == (None, 10)


@pytest.mark.parametrize("stop", [JobCancelled, LeaseLost])
def test_a_stopped_job_leaves_no_adapter_and_no_half_files(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, stop: type[JobStopped]
) -> None:
    for number, report in enumerate(
        (RecordedJob(stop=stop, at_step=3), RecordedJob(stop=stop, at_publish=True))
    ):
        job = tmp_path / str(number)
        with pytest.raises(stop):
            run(llama, data, job, report)
        assert not (job / "adapter").exists()
        assert [path.name for path in job.glob("attempts/*/*")] == []


def test_an_adapter_published_before_a_crash_is_not_trained_again(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    first = run(llama, data, tmp_path)
    report = RecordedJob()
    assert run(llama, data, tmp_path, report, attempt=2) == first
    assert (report.losses, report.stages) == ([], [])


def test_a_damaged_adapter_is_set_aside_and_made_again(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path)
    good = adapter_bytes(tmp_path)
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(good[:-5])
    run(llama, data, tmp_path, attempt=2)
    assert adapter_bytes(tmp_path) == good


def test_exaone_is_published_under_its_own_names_with_the_llama_names_beside(
    exaone: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    report = RecordedJob()
    run(exaone, data, tmp_path, report)
    assert report.losses[-1] < report.losses[0]
    original = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    llama_named = load_file(tmp_path / "adapter-llama" / "adapter_model.safetensors")
    assert "base_model.model.transformer.h.0.mlp.c_fc_0.lora_A.weight" in original
    assert "base_model.model.model.layers.0.mlp.gate_proj.lora_A.weight" in llama_named
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert set(config["target_modules"]) == {
        "q_proj",
        "k_proj",
        "v_proj",
        "out_proj",
        "c_fc_0",
        "c_fc_1",
        "c_proj",
    }
    for name in ("adapter", "adapter-llama"):
        assert sealed_folder.verified_manifest(tmp_path / name) is not None
        tokenizer = json.loads((tmp_path / name / "tokenizer_config.json").read_text())
        assert tokenizer["tokenizer_class"] == "PreTrainedTokenizerFast"


@pytest.mark.parametrize("most_steps", [None, 1, 2])
def test_a_loss_that_is_no_number_ends_as_diverged(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, most_steps: int | None
) -> None:
    """However few the steps: an adapter that learned nothing is no success."""
    report = RecordedJob()
    request = with_settings(max_steps=most_steps)
    with broken_token(llama, llama.tokenizer.bos_token_id), pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path, report, request=request)
    assert failed.value.failure.code == FailureCode.DIVERGED
    assert "learning_rate" in failed.value.failure.remedy
    assert not (tmp_path / "adapter").exists()
    run(llama, data, tmp_path / "next")


def test_one_bad_row_costs_its_steps_and_no_more(
    llama: LoadedModel, write_rows: WriteRows, tmp_path: Path
) -> None:
    """Each epoch has one step with the row; it must neither count as learned nor spoil the weights."""
    rows = [{"prompt": "See you at", "completion": f" {number}"} for number in range(31)]
    data = write_rows([*rows, {"prompt": "~", "completion": " 7"}], "prompt_completion")
    report = RecordedJob()
    with broken_token(llama, llama.tokenizer.convert_tokens_to_ids("~")):
        result = run(llama, data, tmp_path, report)
    assert sum(loss is None for loss in report.losses) == 2
    assert result["steps"] == 8
    weights = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert all(torch.isfinite(weight).all() for weight in weights.values())


@contextmanager
def broken_token(base: LoadedModel, token: int) -> Iterator[None]:
    """A base for which one token is not a number (where it reads it; its head is as before)."""

    def spoil(module: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        return output.masked_fill((inputs[0] == token).unsqueeze(-1), float("nan"))

    hook = base.model.get_input_embeddings().register_forward_hook(spoil)
    try:
        yield
    finally:
        hook.remove()


def test_a_job_too_large_for_memory_fails_and_the_next_one_works(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    """The allocator is asked for more than any machine has."""

    def hog(step: DoneStep) -> None:
        torch.empty(2**60, dtype=torch.uint8)

    with pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path, observe=hog)
    assert failed.value.failure.code == FailureCode.OUT_OF_MEMORY
    assert "tokens_per_micro_batch" in failed.value.failure.remedy
    run(llama, data, tmp_path / "next")


def test_a_disk_full_for_checkpoints_does_not_stop_the_run(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    report = RecordedJob()
    with files_limited_to(30_000), pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path, report, patience=Patience(retries=2, wait_seconds=0.01))
    assert len(report.losses) == 10
    assert report.checkpoints == []
    assert "checkpoint_skipped" in report.codes()
    assert failed.value.failure.code == FailureCode.DISK_FULL
    assert "waiting for disk space" in report.stages
    assert [path.name for path in tmp_path.glob("attempts/*/*")] == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ESTALE])
def test_a_disk_that_fails_under_checkpoints_costs_them_and_not_the_run(
    llama: LoadedModel,
    data: DatasetFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    fsync = os.fsync

    def fail_on_checkpoints(descriptor: int) -> None:
        if "ckpt.tmp" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_on_checkpoints)
    report = RecordedJob()
    run(llama, data, tmp_path, report)
    assert len(report.losses) == 10
    assert report.checkpoints == []
    assert "checkpoint_skipped" in report.codes()
    assert adapter_bytes(tmp_path)


@pytest.mark.parametrize("what", ["a file", "a link to a disk that is not mounted"])
def test_what_stands_in_the_place_of_checkpoints_or_of_the_adapter_costs_no_run(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, what: str
) -> None:
    """The checkpoints are told as skipped; in the adapter's place it is set aside."""
    run(llama, data, tmp_path / "undisturbed")
    folder = JobFolder(tmp_path / "disturbed")
    folder.path.mkdir()
    for place in (folder.checkpoints, folder.adapter):
        if what == "a file":
            place.write_text("not ours")
        else:
            place.symlink_to(tmp_path / "not-mounted")
    report = RecordedJob()
    run(llama, data, folder.path, report)
    assert report.checkpoints == []
    assert "checkpoint_skipped" in report.codes()
    assert adapter_bytes(folder.path) == adapter_bytes(tmp_path / "undisturbed")
    assert not folder.adapter.is_symlink()
    assert folder.damaged_adapter.is_symlink() or folder.damaged_adapter.read_text() == "not ours"
    assert ("set_aside" in report.codes()) == (what != "a file")  # which was set aside before the run
    assert folder.free_damaged_adapter().name == "adapter.damaged-2"


def test_the_base_is_the_same_after_a_job_and_another_job_works(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    ids = torch.arange(1, 17).unsqueeze(0)
    with torch.no_grad():
        before = llama.model(ids).logits
    run(llama, data, tmp_path / "first")
    with torch.no_grad():
        assert torch.equal(llama.model(ids).logits, before)
    assert not llama.model.training
    run(llama, data, tmp_path / "second")
    assert adapter_bytes(tmp_path / "first") == adapter_bytes(tmp_path / "second")


def test_baseline_and_auto_learn_alike(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    auto, baseline = RecordedJob(), RecordedJob()
    settings = SETTINGS.model_copy(update={"lora": Lora(r=4, alpha=8)})
    for name, report in (("auto", auto), ("baseline", baseline)):
        request = FineTuningRequest.model_validate(
            {"dataset": "spam", "hyperparameters": settings.model_dump(), "plan": name}
        )
        run(llama, data, tmp_path / name, report, request=request)
    assert auto.losses == pytest.approx(baseline.losses, rel=1e-3)


def test_a_baseline_job_recomputes_while_it_runs_and_leaves_the_model_as_it_was(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"max_steps": 1})
    request = FineTuningRequest.model_validate(
        {"dataset": "spam", "hyperparameters": settings.model_dump(), "plan": "baseline"}
    )

    def recomputing() -> bool:
        return any(getattr(module, "gradient_checkpointing", False) for module in llama.model.modules())

    seen: list[bool] = []
    run(llama, data, tmp_path, request=request, observe=lambda step: seen.append(recomputing()))
    assert seen == [True]
    assert not recomputing()


@pytest.mark.parametrize(("dropout", "on"), [(0.0, True), (0.1, False)])
def test_a_job_tells_which_speed_ups_are_on_and_why_one_is_off(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, dropout: float, on: bool
) -> None:
    report = RecordedJob()
    settings = SETTINGS.model_copy(update={"max_steps": 2, "lora": Lora(r=4, alpha=8, dropout=dropout)})
    request = FineTuningRequest.model_validate({"dataset": "spam", "hyperparameters": settings.model_dump()})
    result = run(llama, data, tmp_path, report, request=request)
    ((message, details),) = [
        (message, str(in_sentences(content["details"])))
        for message, content in report.events
        if "plan" in content
    ]
    assert ("One speed-up is not used" in message) == (not on)
    assert result["plan"]["own_layers"]
    assert "flat layout" in details
    assert (result["plan"]["shared_prefix_tokens"] > 0) == on
    assert ("lora.dropout is 0.1" in details) == (not on)


def test_rows_longer_than_the_own_layers_are_for_are_trained_by_the_models_and_the_job_says_so(
    llama: LoadedModel, write_rows: WriteRows, tmp_path: Path
) -> None:
    rows = write_rows([{"text": "~" * 2100}, {"text": "See you at 7"}], "text")
    settings = SETTINGS.model_copy(
        update={"max_steps": 1, "max_seq_length": 4096, "lora": Lora(r=2, alpha=4, target_modules=["q_proj"])}
    )
    request = FineTuningRequest.model_validate({"dataset": "long", "hyperparameters": settings.model_dump()})
    report = RecordedJob()
    result = run(llama, rows, tmp_path, report, request=request)
    reason = say("rows-too-long-for-own-layers", longest=2101, most=2048)
    assert result["plan"]["off"] == {"own_layers": reason.model_dump(mode="json")}
    assert not result["plan"]["own_layers"]
    (details,) = [str(in_sentences(data["details"])) for _, data in report.events if "plan" in data]
    assert f"own_layers is not used. {in_english(reason)}" in details


@pytest.mark.parametrize("lost", ["tokens_per_micro_batch", "micro_batch_cost_tokens"])
def test_a_run_goes_on_from_another_versions_checkpoint_and_says_that_its_plan_changed(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, lost: str
) -> None:
    whole, resumed = RecordedJob(), RecordedJob()
    drained = RecordedJob(stop=WorkerDraining, at_step=4)
    run(llama, data, tmp_path / "whole", whole)
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path / "parts", drained, checkpoint_seconds=1000)
    rewrite_plan(tmp_path / "parts" / "checkpoints" / "step-4", lost)
    result = run(llama, data, tmp_path / "parts", resumed, attempt=2)
    assert result["resumed_from_step"] == 4
    assert resumed.codes() == ["plan_changed", "predicted"]
    (message,) = [message for message, content in resumed.events if content.get("code") == "plan_changed"]
    assert "with a different plan" in message
    assert resumed.losses == pytest.approx(whole.losses[4:], rel=1e-3)


def rewrite_plan(checkpoint: Path, lost: str) -> None:
    """As a version would have written it that has one field more and one less."""
    state = json.loads((checkpoint / "state.json").read_text())
    state["plan"] = {name: value for name, value in state["plan"].items() if name != lost} | {"warp": 9}
    (checkpoint / "state.json").write_text(json.dumps(state))
    facts = json.loads((checkpoint / "manifest.json").read_text())
    (checkpoint / "manifest.json").unlink()
    sealed_folder.seal(checkpoint, {name: value for name, value in facts.items() if name != "files"})


def test_checkpoints_are_rare_when_the_interval_is_long(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    report = RecordedJob()
    run(llama, data, tmp_path, report, checkpoint_seconds=1000)
    assert 10 in report.checkpoints
    assert len(report.checkpoints) < 10


def test_resuming_needs_no_old_attempt_folder(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path, RecordedJob(stop=WorkerDraining, at_step=4))
    shutil.rmtree(tmp_path / "attempts")
    report = RecordedJob()
    run(llama, data, tmp_path, report, attempt=2)
    assert len(report.losses) == 6
