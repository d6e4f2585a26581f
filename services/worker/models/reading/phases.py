"""Times the phases of a model load where they happen, and sees which files were really opened."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn

import torch
from transformers import core_model_loading

from services.worker.models.quantized.nf4 import quantize_operation
from services.worker.models.reading.mapped_pages import Mapping, mappings_of, require_ends, require_pages
from services.worker.models.reading.values import ValueWatch

Phase = Literal["resolve", "read", "deserialize", "quantize", "move", "rest"]
PHASES: tuple[Phase, ...] = ("resolve", "read", "deserialize", "quantize", "move", "rest")


class LoadPhases:
    """Seconds spent in each phase of one load.

    resolve: config, tokenizer, file headers. read: weight files into memory. deserialize: values out of the
    mapped file, cast to the wanted dtype. quantize: to 4 bits. move: to the device. rest: everything else
    from the first to the last of these (building the module tree, tying, checking).
    """

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        self.opened_files: tuple[Path, ...] = ()
        self.quantize_error: Exception | None = None
        self.device = device
        self.values = ValueWatch()
        self._started = time.perf_counter()

    @contextmanager
    def time(self, phase: Phase) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            if self.device.type == "cuda" and phase in ("quantize", "move"):
                torch.cuda.synchronize(self.device)
            self.seconds[phase] += time.perf_counter() - started

    def finish(self) -> dict[str, float]:
        """Close the account: what no phase claimed is `rest`."""
        total = time.perf_counter() - self._started
        self.seconds["rest"] = max(
            0.0, total - sum(self.seconds[phase] for phase in PHASES if phase != "rest")
        )
        return dict(self.seconds)

    @contextmanager
    def measured_inside(
        self,
        watched: tuple[Path, ...],
        on_tensor: Callable[[int], None],
        on_lost_page: Callable[[OSError], NoReturn],
    ) -> Iterator[None]:
        """While open, transformers' loading reports here: each tensor's bytes on disk go to `on_tensor`.

        `watched` are the files whose opening is to be seen; where one of them lacks what is to be read,
        `on_lost_page` is told, and raises. Not for two loads at once.
        """
        operation = quantize_operation()
        materialize, quantize = core_model_loading._materialize_copy, operation.convert
        mappings: tuple[Mapping, ...] = ()

        def in_memory(tensor: Any) -> torch.Tensor:
            """The tensor's values in the mapped file, all of whose pages are there."""
            nonlocal mappings
            if not mappings:
                mappings = mappings_of(watched)
                self.opened_files = tuple(dict.fromkeys(mapping.file for mapping in mappings))
            try:
                require_ends(mappings)  # safetensors touches the first byte of what it hands out
                values: torch.Tensor = tensor[...]
                require_pages(values)
            except OSError as error:
                on_lost_page(error)
            return values

        def timed_materialize(
            tensor: Any, device: Any = None, dtype: torch.dtype | None = None
        ) -> torch.Tensor:
            with self.time("deserialize"):
                mapped = in_memory(tensor)
                on_cpu = device is None or torch.device(device).type == "cpu"
                # A view of the mapped file would be read later, at first use, and change with the file.
                value = mapped.to(dtype=dtype or mapped.dtype, copy=on_cpu)
                if on_cpu:
                    self.values.see(value)
            if not on_cpu:
                with self.time("move"):
                    value = value.to(device)
                    self.values.see(value)
            on_tensor(mapped.numel() * mapped.element_size())
            return value

        def timed_quantize(operation: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                with self.time("quantize"):
                    return quantize(operation, *args, **kwargs)
            except Exception as error:  # transformers turns it into a text in a table
                self.quantize_error = self.quantize_error or error
                raise

        core_model_loading._materialize_copy = timed_materialize
        operation.convert = timed_quantize
        try:
            yield
        finally:
            self.values.close()
            core_model_loading._materialize_copy = materialize
            operation.convert = quantize
