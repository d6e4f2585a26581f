"""The memory that a micro-batch's activations take, from the model's shape: estimates that err upwards."""

from dataclasses import dataclass
from functools import cached_property

from transformers import PretrainedConfig

from services.worker.computing.engine.description import Description, describe, inner_size

BYTES = 2  # of a number in bf16, which the engine computes in
BYTES_OF_A_LOGIT = 16  # in bf16 and fp32, its logarithm, their gradients
MASKS_KEPT = 16  # attention's, for the layers of a step
ROWS_AT_MOST = 512  # in a micro-batch split by tokens; keeps planning a step of thousands of rows short
# Attention makes a copy of a shared prefix's keys and values for each row, one layer at a time. So many
# tokens of copies for each token of the budget take about a tenth of what all layers keep for that token.
PREFIX_COPIES = 32


def rows_at_most(tokens: int, prefix_tokens: int) -> int:
    """Of a micro-batch with a budget of `tokens`, so that copies of the prefix don't take the memory."""
    if not prefix_tokens:
        return ROWS_AT_MOST
    return max(1, min(ROWS_AT_MOST, PREFIX_COPIES * tokens // prefix_tokens))


@dataclass(frozen=True)
class TokenLine:
    """Bytes that grow with the tokens of a micro-batch: `fixed` + `of_token` × tokens."""

    fixed: float
    of_token: float

    def __call__(self, tokens: int) -> float:
        return max(0.0, self.fixed + self.of_token * tokens)


@dataclass(frozen=True)
class Counted:
    """What each layer keeps, and what there is beside that: at the peak (`beside`), and when the loss is made
    (`at_loss`), where logits come on top.
    """

    layer: TokenLine
    beside: TokenLine
    at_loss: TokenLine


@dataclass(frozen=True)
class CountedActivations:
    """Of the model's own forward, counted by running two of its layers: as they are (`plain`) and computed
    again in the backward pass (`again`).

    Where the head computes logits of targets alone, `sources_at_once` of them, they have `vocabulary`
    entries; else `vocabulary` is 0, and all logits are in the count.
    """

    layers: int
    longest_row: int
    plain: Counted
    again: Counted
    vocabulary: int = 0
    sources_at_once: int = 0

    def largest(self, tokens: int, recompute_every: int | None) -> int:
        """Bytes of the largest micro-batch."""
        tokens = max(tokens, self.longest_row)
        counted = self.plain if recompute_every is None else self.again
        logits = min(tokens, self.sources_at_once) * self.vocabulary * BYTES_OF_A_LOGIT
        beside = max(counted.beside(tokens), counted.at_loss(tokens) + logits)
        return int(self.layers * counted.layer(tokens) + beside)


@dataclass(frozen=True)
class ModelActivations:
    """Of the model's own forward under autocast, where it could not be counted.

    In all classes `tokens` are a micro-batch's budget, and of `recompute_every` layers one is computed again
    in the backward pass (None: of none).
    """

    config: PretrainedConfig
    longest_row: int

    def largest(self, tokens: int, recompute_every: int | None) -> int:
        """Bytes of the largest micro-batch."""
        tokens = max(tokens, self.longest_row)
        if recompute_every is None:
            return tokens * self.config.num_hidden_layers * self.layer
        return tokens * (self.layer + self.config.num_hidden_layers * self.config.hidden_size * 4)

    @property
    def layer(self) -> int:
        """What a layer keeps of a token for the backward pass, in bytes: a rough upper estimate.

        Counted for a pre-norm block with LoRA on every linear layer: about 16 tensors of the hidden size and
        6 of the inner size, 4 bytes each (LoRA's own inputs are fp32 even where the base computes in bf16).
        """
        return int(16 * self.config.hidden_size + 6 * inner_size(self.config)) * 4


@dataclass(frozen=True)
class EngineActivations:
    """Of the layers of `engine/`, in bf16 and with LoRA on every linear layer. `config` must be one that
    `engine.description` describes.

    `whole_scores`: attention makes masks and whole score matrices, as it does where no kernel spares them.
    `head_bytes`: what the loss has at a time (`engine.head.bytes_at_once`). `drops`: adapters drop some of
    their inputs.
    """

    config: PretrainedConfig
    longest_row: int
    prefix_tokens: int = 0
    whole_scores: bool = True
    head_bytes: int = 0
    drops: bool = False

    def largest(self, tokens: int, recompute_every: int | None) -> int:
        """Bytes of the largest micro-batch: what its layers keep, and what exists of one layer at a time."""
        computed = max(tokens + self.prefix_tokens, self.longest_row)
        return computed * (self.kept(recompute_every) + self.layer) + self.passing(tokens)

    def kept(self, recompute_every: int | None) -> int:
        """What all layers keep of a token, in bytes; of one computed again only its input stays: the stream
        and its last update, both fp32 (the update where LoRA is on it).
        """
        layers = self._described.layers
        if recompute_every is None:
            return layers * self.layer
        inputs = -(-layers // recompute_every)
        return (layers - inputs + 1) * self.layer + inputs * 4 * self._described.hidden * BYTES

    @property
    def layer(self) -> int:
        """What a layer keeps of a token for the backward pass, in bytes.

        The stream before and after attention and the norm of both, gate, up and their product, attention's
        result, and queries, keys and values. Those count twice: once for the low ranks and the norms' and the
        scores' sums. Beside that what norms behind attention and the MLP keep, and those of queries and keys.
        """
        of, traits = self._described, self._described.traits
        heads = self._queries + 2 * self._keys
        usual = 4 * of.hidden + 3 * of.inner + self._queries + 2 * heads
        after = 2 * of.hidden if traits.after else 0
        # Of a small head the norm's factor, in fp32, counts beside its numbers.
        head_norms = (self._queries + self._keys) * (1 + 2 / of.size) if traits.head_norms else 0
        return int(usual + after + head_norms) * BYTES

    def passing(self, tokens: int) -> int:
        """Bytes of what is made for one layer, or for the head, and let go: attention's scores, masks and
        copies of the prefix, dequantized weights, logits.

        Attention's are three of a kind: scores in fp32 beside those in bf16, or these and their gradients;
        keys and values, their gradients apart, and together.
        """
        heads, of = self._described.queries, self._described
        own = max(tokens, self.longest_row - self.prefix_tokens)
        scores = heads * own * self.longest_row if self.whole_scores else 0
        stacked = heads // of.keys
        masks = MASKS_KEPT * stacked * self.longest_row**2 if self.whole_scores else 0
        copies = 2 * self._keys * self.prefix_tokens * rows_at_most(tokens, self.prefix_tokens)
        weights = 2 * of.inner * of.hidden  # of gates and ups
        # The largest input of a matrix once more, and the random bits that choose of it, twice.
        dropped = of.inner * own * (BYTES + 2 * 4) if self.drops else 0
        return int(3 * (scores + copies) + masks + weights) * BYTES + dropped + self.head_bytes

    @cached_property
    def _described(self) -> Description:
        return describe(self.config)

    @property
    def _queries(self) -> int:
        return self._described.queries * self._described.size

    @property
    def _keys(self) -> int:
        return self._described.keys * self._described.size
