"""What a model's own forward keeps, counted over two of its layers instead of estimated from its shape."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from services.worker.computing.loss import LOGITS_AT_ONCE, head_stands_alone
from services.worker.computing.plan.activations import Counted, CountedActivations, TokenLine
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.workload import Workload
from services.worker.computing.predicting.first_layers import layers_of
from services.worker.computing.predicting.small_run import Held, SmallRun
from services.worker.models.memory import free_device_memory
from services.worker.text.marked_text import TokenRow
from shared.messages.message import say

ROW_TOKENS = 256  # of the rows that are tried, where the longest has as many


def with_counted(
    workload: Workload, model: PreTrainedModel, parameters: Mapping[str, nn.Parameter], device: torch.device
) -> Workload:
    """`workload` with the activations of the model's own forward counted, where the plan is to use that.

    `model` carries its adapter. Where nothing can be counted, `off` says why, and the estimate stays.
    """
    layers = layers_of(model)
    if workload.own_layers:
        return workload
    if layers is None or len(layers) < 2 or workload.longest_row is None:
        reason = say("layers-not-in-one-list")
    else:
        try:
            counted = _count(model, parameters, device, layers=len(layers), longest=workload.longest_row)
        except Exception as error:  # whatever it is, there is the estimate
            reason = say("layers-not-tried", error=f"{type(error).__name__}: {str(error)[:200]}")
        else:
            return replace(workload, counted=counted)
    free_device_memory(device)
    return replace(workload, off={**workload.off, "counted_activations": reason})


def _count(
    model: PreTrainedModel,
    parameters: Mapping[str, nn.Parameter],
    device: torch.device,
    *,
    layers: int,
    longest: int,
) -> CountedActivations:
    width = min(ROW_TOKENS, longest)
    plain, again = (
        _of_plan(model, Plan("explicit", 2 * width, checkpointing), parameters, device, width)
        for checkpointing in (False, True)
    )
    chunked = head_stands_alone(model)
    vocabulary = model.get_input_embeddings().weight.shape[0]
    return CountedActivations(
        layers,
        longest,
        plain,
        again,
        vocabulary=vocabulary if chunked else 0,
        sources_at_once=max(1, LOGITS_AT_ONCE // vocabulary),
    )


def _of_plan(
    model: PreTrainedModel,
    plan: Plan,
    parameters: Mapping[str, nn.Parameter],
    device: torch.device,
    width: int,
) -> Counted:
    """From one layer and two, each with one row and two."""
    held: dict[tuple[int, int], Held] = {}
    for layers in (1, 2):
        run = SmallRun(model, plan, parameters, device, layers=layers)
        with run.ready() as forward:
            for rows in (1, 2):
                (batch,) = forward.batches([_row(width)] * rows)
                held[layers, rows] = run.held(forward, batch)
    layer = {rows: held[2, rows].kept - held[1, rows].kept for rows in (1, 2)}
    beside = {rows: held[2, rows].peak - 2 * layer[rows] for rows in (1, 2)}
    at_loss = {rows: held[2, rows].kept - 2 * layer[rows] for rows in (1, 2)}
    return Counted(_line(layer, width), _line(beside, width), _line(at_loss, width))


def _row(width: int) -> TokenRow:
    """With one target, so that what the head has at a time is not in the count."""
    targets = np.zeros(width, bool)
    targets[-1] = True
    return TokenRow(np.ones(width, np.int32), targets)


def _line(by_rows: Mapping[int, int], width: int) -> TokenLine:
    of_token = (by_rows[2] - by_rows[1]) / width
    return TokenLine(by_rows[1] - of_token * width, of_token)
