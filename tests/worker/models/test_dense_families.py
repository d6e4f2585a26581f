"""Every dense family goes the whole way: read, trained, resumed, evaluated, and used by PEFT alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM

from services.worker.adapters.saved_adapter import open_adapter, with_adapter
from services.worker.evaluation.evaluate import evaluate
from services.worker.models.families.blueprint import choose_blueprint
from services.worker.models.families.tokenizer import load_tokenizer
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel
from services.worker.models.quantized.prepared import load_prepared
from services.worker.models.residency import Residency
from services.worker.preparing.prepare import prepare
from services.worker.running_job import NoJob, WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from services.worker.text.marked_text import MarkedText, Span, tokenize
from services.worker.training.fine_tuning import fine_tune
from shared.adapters import WEIGHTS
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters, Lora
from shared.schemas.requests import FineTuningRequest, ModelPreparationRequest
from shared.settings import Settings
from tests.thorough import thorough
from tests.worker.models.dense_families import DENSE, config_of, make_dense, template_of
from tests.worker.text.families import tokenizer_of
from tests.worker.training.tiny_bases import RecordedJob, WriteRows, load, write_rows

__all__ = ["write_rows"]
pytestmark = [
    pytest.mark.usefixtures("short_timings", "short_intake"),
    pytest.mark.filterwarnings(
        "ignore:`is_gradient_checkpointing`:FutureWarning"
    ),  # PEFT asks by an old name
]

# Longer than the windows, which are 16 tokens.
ROWS = [
    {"messages": [{"role": "user", "content": "What is the capital?" + " Tell me." * more},
                  {"role": "assistant", "content": "The capital is Seoul."},
                  {"role": "user", "content": "At what does water boil?"},
                  {"role": "assistant", "content": "A hundred degrees."}][: 2 + 2 * (more % 2)]}
    for more in range(8)
]  # fmt: skip
SETTINGS = Hyperparameters(
    max_steps=3, global_batch_size=4, learning_rate=2e-2, max_seq_length=256, lora=Lora(r=4, alpha=8)
)


ALWAYS = ("Qwen3", "Phi-3 128k")  # TESTS=all does what follows with every one
SOME = [name if name in ALWAYS else pytest.param(name, marks=thorough) for name in DENSE]


@pytest.fixture
def data(write_rows: WriteRows) -> DatasetFile:
    return write_rows(ROWS, "chat")


def trained(
    base: LoadedModel, data: DatasetFile, folder: Path, job: RecordedJob | None = None, attempt: int = 1
) -> dict[str, Any]:
    return fine_tune(
        base,
        FineTuningRequest(dataset="x", hyperparameters=SETTINGS),
        training=data,
        validation=None,
        job_folder=JobFolder(folder),
        attempt=attempt,
        checkpoint_seconds=0.0,
        job=job or RecordedJob(),
    )


@torch.no_grad()
def logits(model: Any) -> Tensor:
    ids = torch.arange(300, 348).reshape(2, 24)
    out: Tensor = model(input_ids=ids).logits
    return out


def loss(base: LoadedModel, data: DatasetFile, adapter: Path | None) -> float:
    asked: dict[str, Any] = {"instruction": None, "labels": None, "max_seq_length": 256, "job": NoJob()}
    return float(evaluate(base, data=data, adapter_folder=adapter, **asked)["loss"])


@pytest.mark.parametrize("name", DENSE)
def test_an_adapter_answers_in_peft_alone_as_it_was_trained(
    name: str, tmp_path: Path, data: DatasetFile
) -> None:
    folder = make_dense(tmp_path / "base", name)
    base = load(folder, "none")
    before = logits(base.model)
    result = trained(base, data, tmp_path / "job")
    assert (result["steps"], result["skipped_rows"], result["plan"]["own_layers"]) == (3, 0, True)
    adapter = tmp_path / "job" / "adapter"
    with with_adapter(base, open_adapter(adapter, base)):
        ours = logits(base.model)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    plain = PeftModel.from_pretrained(model, adapter)
    assert torch.equal(logits(plain), ours)
    assert not torch.equal(ours, before)
    assert torch.equal(logits(base.model), before)
    assert plain.peft_config["default"].target_modules == set(DENSE[name].layers)
    assert loss(base, data, adapter) < loss(base, data, None)


@pytest.mark.parametrize("name", DENSE)
def test_its_tokenizer_cuts_as_its_file_says_with_its_first_token_once(name: str, tmp_path: Path) -> None:
    """The classes that the hub's folders name would be built anew by transformers, each in its own way."""
    folder, template = make_dense(tmp_path / "base", name), template_of(name)
    tokenizer = load_tokenizer(folder, config_of(name))
    for text in ("  Two  spaces\n\nand 2024 각 e\u0301 👋", "".join(template.specials), "\n서울"):
        for completed in (False, True):
            ids = tokenizer(text, add_special_tokens=completed)["input_ids"]
            assert ids == tokenizer_of(template)(text, add_special_tokens=completed)["input_ids"]
    (row,) = tokenize([MarkedText("Water boils.", (Span(5, 12),), complete=True)], tokenizer)
    first = [tokenizer.bos_token_id] if template.adds_bos else []
    words = tokenizer("Water boils.", add_special_tokens=False)["input_ids"]
    assert row.ids.tolist() == [*first, *words, tokenizer.eos_token_id]


@pytest.mark.parametrize("name", SOME)
def test_a_run_that_was_stopped_goes_on_to_the_same_adapter(
    name: str, tmp_path: Path, data: DatasetFile
) -> None:
    base = load(make_dense(tmp_path / "base", name), "nf4")
    with pytest.raises(WorkerDraining):
        trained(base, data, tmp_path / "stopped", RecordedJob(stop=WorkerDraining, at_step=2))
    job = RecordedJob()
    trained(base, data, tmp_path / "stopped", job, attempt=2)
    assert len(job.losses) == 1
    trained(base, data, tmp_path / "whole")
    resumed, whole = (tmp_path / run / "adapter" / WEIGHTS for run in ("stopped", "whole"))
    assert resumed.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", DENSE)
def test_its_copy_in_nf4_computes_the_same(name: str, tmp_path: Path) -> None:
    folder = make_dense(tmp_path / "base", name)

    def prepared() -> LoadedModel:
        return load_prepared(
            ModelFiles("base", None, folder, "folder"),
            dtype=torch.bfloat16,
            device=torch.device("cpu"),
            artifacts=tmp_path / "copies",
            job=NoJob(),
        )

    first, second = prepared(), prepared()
    assert (first.from_artifact, second.from_artifact) == (False, True)
    assert torch.equal(logits(second.model), logits(first.model))


@pytest.mark.parametrize("name", SOME)
def test_it_is_diagnosed_and_prepared_without_an_error(name: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models")
    make_dense(settings.models_dir / "base", name)
    residency = Residency(torch.device("cpu"), settings.data_dir / "models")
    prepared, report = prepare(
        ModelPreparationRequest(model="base"), settings=settings, residency=residency, job=NoJob()
    )
    assert prepared.artifact is not None
    assert report.facts.trial is not None
    assert [finding.id for finding in report.findings if finding.severity == "error"] == []
    assert prepared.load.after_seconds


@pytest.mark.parametrize(
    ("kind", "window", "pattern", "wanted"),
    [
        ("exaone4", None, None, "GGGGGG"),
        ("exaone4", None, "LLLG", "GGGGGG"),
        ("exaone4", 16, None, "GGGGGG"),
        ("exaone4", 16, "LLLG", "LLLGLG"),  # the last one sees all, whatever the word says
        ("exaone4", 16, 3, "LLGLLG"),
        ("exaone4", 16, "default", "LLLGLL"),
        ("exaone_moe", 16, "LLLG", "LLLGLG"),
    ],
)
def test_which_layers_of_an_exaone_have_a_window_is_read_from_its_pattern(
    kind: str, window: int | None, pattern: str | int | None, wanted: str
) -> None:
    """What transformers itself divides by zero for, or by a word."""
    config = {"model_type": kind, "num_hidden_layers": 6, "sliding_window": window}
    if pattern != "default":
        config["sliding_window_pattern"] = pattern
    letters = {"sliding_attention": "L", "full_attention": "G"}
    assert "".join(letters[kind] for kind in choose_blueprint(config).config.layer_types) == wanted


@pytest.mark.parametrize("name", ["su", "yarn"])
@pytest.mark.parametrize("field", ["type", "rope_type"])
def test_the_first_names_of_the_rotary_type_of_phi_3_are_known(name: str, field: str) -> None:
    """With them transformers finds no original length, and refuses the configuration."""
    config = config_of("Phi-3 128k")
    scaling = {key: value for key, value in config["rope_scaling"].items() if key != "type"}
    parameters = choose_blueprint({**config, "rope_scaling": {**scaling, field: name}}).config.rope_parameters
    assert (parameters["rope_type"], parameters["original_max_position_embeddings"]) == ("longrope", 128)
