"""What a report says of the device: its name, how fast it is at best, and how much of that a step reaches."""

from dataclasses import dataclass

import torch

from services.worker.computing.plan.utilization import (
    ModelArithmetic,
    best_flops_per_second,
    flops_per_second_in,
    known_flops_per_second,
    memory_bytes_per_second,
)
from services.worker.machine.device import device_name
from services.worker.models.load import LoadedModel
from shared.reports.training_facts import DeviceFacts


@dataclass(frozen=True)
class StepWork:
    """A step's computed tokens, the learned ones of them, its rows, and the seconds it took."""

    tokens: float
    targets: float
    rows: float
    seconds: float


def named_device(device: torch.device) -> DeviceFacts:
    """Of which nothing was measured."""
    return DeviceFacts(name=device_name(device), kind="cuda" if device.type == "cuda" else "cpu")


def device_facts(base: LoadedModel, work: StepWork, *, adapter_parameters: int) -> DeviceFacts:
    """With what is known of its speed by now, without a measurement."""
    return named_device(base.device).model_copy(
        update={
            "matrix_flops_per_second": known_flops_per_second(base.device),
            "achieved_flops_per_second": _achieved(base, work, adapter_parameters),
        }
    )


def measured_device(base: LoadedModel, work: StepWork, *, adapter_parameters: int) -> DeviceFacts:
    """The same with its speed measured, which takes a second."""
    best = best_flops_per_second(base.device)  # known from here on
    return device_facts(base, work, adapter_parameters=adapter_parameters).model_copy(
        update={
            "matrix_flops_per_second": best,
            "fp32_flops_per_second": flops_per_second_in(torch.float32, base.device),
            "memory_bytes_per_second": memory_bytes_per_second(base.device),
        }
    )


def _achieved(base: LoadedModel, work: StepWork, adapter_parameters: int) -> float | None:
    """Floating-point operations a second; None for a model whose arithmetic is not counted."""
    try:
        arithmetic = ModelArithmetic.of(base.model.config, adapter_parameters=adapter_parameters)
    except (AttributeError, TypeError):
        return None
    return arithmetic.flops(tokens=work.tokens, targets=work.targets, rows=work.rows) / work.seconds
