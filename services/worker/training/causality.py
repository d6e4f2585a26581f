"""Whether a model sees only what came before: one that sees the words it is to learn learns nothing."""

import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM, PreTrainedModel

from services.worker.failures import FailureCode, JobFailed
from shared.messages.message import say

TOKENS = 8
_LOOKS_FROM = 2  # at what follows this position


def require_causal(model: PreTrainedModel, name: str) -> None:
    """Raise JobFailed(MODEL_UNSUPPORTED) for a model whose logits at a position depend on later tokens."""
    if type(model) is not LlamaForCausalLM and sees_ahead(model):
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            say("model-sees-ahead", model=name, model_class=type(model).__name__),
            say("name-another-base-model"),
        )


def sees_ahead(model: PreTrainedModel) -> bool:
    """By gradients, which are exactly zero where attention is masked, whatever the arithmetic rounds."""
    seen: list[Tensor] = []

    def keep(module: nn.Module, arguments: object, embedded: Tensor) -> Tensor:
        seen.append(embedded.detach().requires_grad_())
        return seen[-1].clone()  # some models add to it in place

    ids = torch.arange(1, 1 + TOKENS, device=model.device).unsqueeze(0)
    training = model.training
    model.eval()  # dropout would draw from the run's random numbers
    hook = model.get_input_embeddings().register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = model(input_ids=ids, use_cache=False).logits
            if not seen or seen[0].shape[:2] != ids.shape or not logits.requires_grad:
                return False
            score = logits[0, _LOOKS_FROM].float().square().sum()
            (slope,) = torch.autograd.grad(score, seen[0], allow_unused=True, materialize_grads=True)
    finally:
        hook.remove()
        model.train(training)
    return bool(slope[0, _LOOKS_FROM + 1 :].any())
