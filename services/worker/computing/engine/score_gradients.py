"""The backward pass of causal attention by score matrices, a block of queries at a time."""

import torch
from torch import Tensor

# Queries at once. A block's scores stay in a core's cache, and keys that come after it are left out: of rows
# of 512 tokens 62 % of the products are left.
BLOCK = 128


def score_gradients(
    d: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_sum: Tensor,
    hidden: Tensor,
    *,
    factor: float,
    cap: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Of queries q [n, stacked · width, size], keys k and values v [n, seen, size], from the result's
    gradient d, which is like q. Queries of the same keys are stacked.

    log_sum, fp32 [n, stacked · width], is the log-sum-exp of each query's scores. hidden [width, seen] is
    -inf where a query may not look, else 0; the last `width` keys are the queries' own tokens.

    With S = factor · Q·Kᵀ, P = softmax(S) and O = P·V: dV = Pᵀ·dO, dP = dO·Vᵀ,
    dS = P ∘ (dP - rowsum(dP ∘ P)), dQ = factor · dS·K, dK = factor · dSᵀ·Q. A cap's derivative,
    1 - tanh², comes between S and dS.
    """
    width, seen = hidden.shape
    log_sum = log_sum.reshape(len(q), -1, 1)
    if width <= BLOCK:
        return _of_block(d, q, k, v, log_sum, hidden, factor, cap)
    n, size = len(q), q.shape[-1]
    q_of, d_of, log_sum_of = (part.reshape(n, -1, width, part.shape[-1]) for part in (q, d, log_sum))
    d_q = torch.empty_like(q_of)
    d_k, d_v = (torch.zeros(part.shape, dtype=torch.float32, device=part.device) for part in (k, v))
    for start in range(0, width, BLOCK):
        stop = min(start + BLOCK, width)
        some = slice(None, seen - width + stop)  # of the keys: a prefix, and all up to the block's last query
        d_some, q_some, log_sums = (part[:, :, start:stop].flatten(1, 2) for part in (d_of, q_of, log_sum_of))
        d_queries, d_keys, d_values = _of_block(
            d_some, q_some, k[:, some], v[:, some], log_sums, hidden[start:stop, some], factor, cap
        )
        d_q[:, :, start:stop] = d_queries.view(n, -1, stop - start, size)
        d_k[:, some] += d_keys
        d_v[:, some] += d_values
    return d_q.view(q.shape), d_k.to(k.dtype), d_v.to(v.dtype)


def _of_block(
    d: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_sum: Tensor,
    hidden: Tensor,
    factor: float,
    cap: float | None,
) -> tuple[Tensor, Tensor, Tensor]:
    # Scores in fp32: they are large, and their exponentials would not forgive bf16's rounding.
    scores, slope = torch.bmm(q.float(), k.float().transpose(1, 2)).mul_(factor), None
    if cap is not None:
        scores.div_(cap).tanh_()
        slope = (1 - scores.square()).to(q.dtype)
        scores.mul_(cap)
    scores.view(len(q), -1, *hidden.shape).add_(hidden)
    # softmax(S) = exp(S - log Σ exp S), without a second maximum and sum; what is masked (-inf) becomes 0.
    p = scores.sub_(log_sum).exp_().to(q.dtype)
    del scores
    d_v = torch.bmm(p.transpose(1, 2), d)
    d_p = torch.bmm(d, v.transpose(1, 2))
    d_s = torch._softmax_backward_data(d_p, p, -1, p.dtype).mul_(factor)
    if slope is not None:
        d_s.mul_(slope)
    return torch.bmm(d_s, k), torch.bmm(d_s.transpose(1, 2), q), d_v
