"""How often operators of torch run, by what is in their names."""

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

# bitsandbytes makes a 4-bit weight wide, or multiplies by one that it makes wide.
DEQUANTIZING = ("bitsandbytes.", "4bit")
# torch's own backward pass of attention on a processor.
ATTENTION_BACKWARD = ("flash_attention_for_cpu_backward",)


class OperatorCount(TorchDispatchMode):
    """Counts, within it, the calls of operators whose names have each of `parts`."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        super().__init__()
        self._parts, self.times = parts, 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.times += all(part in str(func) for part in self._parts)
        return func(*args, **(kwargs or {}))
