"""Variables that libraries read when the worker's child imports them; set before, by its main process."""

import os

COMPILED_PRODUCTS = 256

# Waiting threads of torch sleep instead of spinning: beside other programs steps took seven times longer.
_UNLESS_GIVEN = {
    "OMP_WAIT_POLICY": "PASSIVE",
    # Products compiled for each size of a micro-batch, 0.6 MB each with what they generated: 1,024 in each of
    # two caches would take more than the activations. A micro-batch of a small model has about 30.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": str(COMPILED_PRODUCTS),
    "LRU_CACHE_CAPACITY": str(COMPILED_PRODUCTS),
}
_ALWAYS = {
    # transformers' background thread would ask a third party to convert `.bin` files; we do that ourselves.
    "DISABLE_SAFETENSORS_CONVERSION": "1",
}


def set_environment() -> None:
    """In this process and those it starts."""
    for name, value in _UNLESS_GIVEN.items():
        os.environ.setdefault(name, value)
    os.environ.update(_ALWAYS)
