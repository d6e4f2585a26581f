"""A loaded model without bf16's rounding, to tell that from what a plan or an adapter does."""

from torch import nn


def make_fp32(model: nn.Module) -> None:
    """For arithmetic in fp32 on the weights that bf16 arithmetic sees: nf4 ones as they are dequantized."""
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit

    for name, module in list(model.named_modules()):
        if isinstance(module, Linear4bit):
            weight = dequantize_4bit(module.weight.data, module.weight.quant_state).float()
            exact = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
            exact.weight = nn.Parameter(weight, requires_grad=False)
            exact.bias = module.bias
            model.set_submodule(name, exact)
    nn.Module.float(model)  # transformers refuses it to a model that was quantized
