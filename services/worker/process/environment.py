"""Variables that libraries read when the worker's child imports them; set before, by its main process."""

import os

# Waiting threads of torch sleep instead of spinning: beside other programs steps took seven times longer.
_UNLESS_GIVEN = {"OMP_WAIT_POLICY": "PASSIVE"}
_ALWAYS = {
    # transformers' background thread would ask a third party to convert `.bin` files; we do that ourselves.
    "DISABLE_SAFETENSORS_CONVERSION": "1",
}


def set_environment() -> None:
    """In this process and those it starts."""
    for name, value in _UNLESS_GIVEN.items():
        os.environ.setdefault(name, value)
    os.environ.update(_ALWAYS)
