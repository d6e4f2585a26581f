"""A LoRA adapter on the resident base model: put on, read, written into, taken off without a trace."""

import gc
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import _check_lora_target_modules_mamba  # its rule has no public name
from torch import Tensor, nn
from transformers import PreTrainedModel

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.abilities import short_name, trained_linears
from services.worker.models.load import LoadedModel
from services.worker.models.quantized.nf4 import keep_weights_trainable_through
from services.worker.phase_clock import PhaseClock
from shared.messages.message import say
from shared.schemas.hyperparameters import Lora


def lora_config(lora: Lora, base: LoadedModel) -> LoraConfig:
    """The PEFT config of a new adapter; raises `JobFailed` if the base has no layer of a wanted name."""
    outside = base.abilities.outside
    present = linear_names(base.model, outside)
    if lora.target_modules == "all-linear":
        targets = [name for name in present if name not in left_out(base)]
    else:
        targets = sorted(_names_here(lora.target_modules, base))
    if unknown := sorted(set(targets) - set(present)):
        raise JobFailed(
            FailureCode.TARGET_MODULES_UNKNOWN,
            say("target-modules-unknown", layers=unknown),
            say("choose-target-modules", layer_choices=[*present, "all-linear"]),
        )
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        exclude_modules=outside if _has_others(base.model, outside, targets) else None,
        bias="none",
    )


def left_out(base: LoadedModel) -> list[str]:
    """Linear layers that PEFT puts no adapter on: the model's own kernels read their weights past it."""
    return [name for name in linear_names(base.model, base.abilities.outside) if _refused(name, base)]


def _refused(name: str, base: LoadedModel) -> bool:
    try:
        _check_lora_target_modules_mamba(LoraConfig(), base.model, name)
    except ValueError:
        return True
    return False


def linear_names(model: PreTrainedModel, outside: str = "") -> list[str]:
    """Last parts of the names of all linear layers of the language part but the output head; 4-bit layers are
    linear too.
    """
    layers = trained_linears(model, outside, model.get_output_embeddings())
    return sorted({short_name(path) for path, _ in layers})


def _has_others(model: PreTrainedModel, outside: str, targets: list[str]) -> bool:
    """Whether layers outside the language part are called as those that get an adapter."""
    inside = {path for path, _ in trained_linears(model, outside, None)}
    others = (path for path, _ in model.named_modules() if path not in inside)
    return bool(outside) and any(short_name(path) in targets for path in others)


def _names_here(wanted: list[str], base: LoadedModel) -> set[str]:
    """Layers may be asked for by the names of the model's repository, too."""
    return {base.family.name_as_run(name) if base.family else name for name in wanted}


@contextmanager
def attached(
    base: LoadedModel, config: LoraConfig, *, seed: int = 0, stages: PhaseClock | None = None
) -> Iterator[PeftModel]:
    """The base with a fresh adapter, weights drawn from `seed`; on leaving, the base is what it was before.

    `base.model` itself carries the adapter meanwhile. The adapter's weights are fp32 whatever the base's
    dtype: PEFT casts them up, so that small updates are not lost in rounding. On `stages` what makes 4-bit
    layers trainable through is "kbit_preparation".
    """
    model = base.model
    with (stages or PhaseClock()).phase("kbit_preparation"):
        keep_weights_trainable_through(model)
    before = _traits(model)
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        # PEFT asks transformers by an old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        adapted: PeftModel = get_peft_model(model, config)
    try:
        yield adapted
    finally:
        adapted.unload()
        _restore_traits(model, before)
        del adapted
        if base.device.type == "cuda":  # its layers point at each other; their memory is wanted at once
            gc.collect()


def adapter_weights(adapted: PeftModel) -> dict[str, Tensor]:
    """The adapter's weights on the CPU, fp32, by the names that PEFT gives them in a file."""
    return {
        _file_name(name): parameter.detach().to("cpu", torch.float32).contiguous()
        for name, parameter in trained_parameters(adapted).items()
    }


@torch.no_grad()
def set_adapter_weights(adapted: PeftModel, weights: Mapping[str, Tensor]) -> None:
    """Write `weights` into the adapter; raises ValueError unless names and shapes are the adapter's."""
    parameters = {_file_name(name): parameter for name, parameter in trained_parameters(adapted).items()}
    present = {name: parameter.shape for name, parameter in parameters.items()}
    given = {name: tensor.shape for name, tensor in weights.items()}
    if present != given:
        names = sorted(present.keys() | given.keys())
        wrong = [name for name in names if present.get(name) != given.get(name)]
        raise ValueError(f"{len(wrong)} of its weights don't fit the base model, the first is {wrong[0]}")
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])


def trained_parameters(adapted: PeftModel) -> dict[str, nn.Parameter]:
    """What the optimizer may change, by name in the order of the model."""
    return {name: parameter for name, parameter in adapted.named_parameters() if parameter.requires_grad}


def _file_name(parameter: str) -> str:
    """PEFT leaves the adapter's name in memory, `default`, out of its files."""
    return parameter.replace(".default.", ".")


def _traits(model: PreTrainedModel) -> dict[str, Any]:
    """What PEFT touches beside the layers."""
    return {
        "training": model.training,
        "requires_grad": {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        "pretraining_tp": getattr(model.config, "pretraining_tp", None),
    }


def _restore_traits(model: PreTrainedModel, before: dict[str, Any]) -> None:
    model.train(before["training"])
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(before["requires_grad"][name])
        parameter.grad = None
    if before["pretraining_tp"] is not None:
        model.config.pretraining_tp = before["pretraining_tp"]
