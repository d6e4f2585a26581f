"""Weights that are no numbers or nothing but zeros: seen as they pass by, named once the load is over."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.unchanged import UnchangedFiles, disk_errors_explained
from services.worker.models.reading.mapped_pages import mappings_of, require_ends, require_pages
from services.worker.running_job import RunningJob
from shared.messages.message import Message, say

_SHOWN = 3


@dataclass(frozen=True)
class Tensor:
    """One of a weight file whose values are looked at again."""

    name: str
    file: Path
    values: torch.Tensor


class ValueWatch:
    """Sees every weight in its place, in the dtype that is computed with, while the next one is read."""

    def __init__(self) -> None:
        self._seen: list[tuple[tuple[int, ...], torch.Tensor]] = []
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="values")
        self._last: Future[None] | None = None

    def see(self, values: torch.Tensor) -> None:
        """One pass over `values`, in which NaN and infinity are kept. Returns once the one before is over."""
        if values.dtype not in (torch.float32, torch.float16, torch.bfloat16) or not values.numel():
            return
        if values.is_cuda:  # the card does it when it gets to it
            self._look(values)
            return
        self._wait()
        self._last = self._looking.submit(self._look, values)

    def close(self) -> None:
        """Wait for what is looked at; nothing more can be seen."""
        self._looking.shutdown()
        self._wait()

    def _look(self, values: torch.Tensor) -> None:
        self._seen.append((tuple(values.shape), torch.stack(torch.aminmax(values))))

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
            self._last = None

    def judge(self, files: Sequence[Path], dtype: torch.dtype, job: RunningJob) -> None:
        """Warn of matrices of zeros. Raises JobFailed(MODEL_UNREADABLE) for weights that are no numbers.

        Only if there are such, `files` are read again, to find their names.
        """
        if not self._seen:
            return
        shapes = [shape for shape, _ in self._seen]
        least, most = torch.stack([ends.float() for _, ends in self._seen]).cpu().unbind(1)
        broken = {shape for shape, ends in zip(shapes, least - most, strict=True) if not ends.isfinite()}
        if broken and (found := [one for one in _tensors(files, broken) if _wrong(one, dtype)]):
            raise _not_numbers(found, dtype)
        empty = {
            shape
            for shape, low, high in zip(shapes, least, most, strict=True)
            if low == high == 0 and len(shape) > 1  # biases begin as zeros
        }
        if empty and (zeros := [one for one in _tensors(files, empty) if not one.values.any()]):
            job.event(
                say("weights-all-zero", count=len(zeros), tensors=_names(zeros)),
                level="warn",
                data={"code": "weights_all_zero", "tensors": len(zeros)},
            )


def _tensors(files: Sequence[Path], shapes: set[tuple[int, ...]]) -> Iterator[Tensor]:
    for file in files:
        with disk_errors_explained(), safe_open(file, framework="pt") as weights:
            mappings, watched = mappings_of([file]), UnchangedFiles([file])
            for name in weights.keys():  # noqa: SIM118 (it is no dict)
                if tuple(weights.get_slice(name).get_shape()) in shapes:
                    try:
                        require_ends(mappings)
                        values = weights.get_tensor(name)
                        require_pages(values)
                    except OSError:
                        watched.require()
                        raise
                    yield Tensor(name, file, values)


def _wrong(tensor: Tensor, dtype: torch.dtype) -> int:
    """How many values are none in the dtype that is computed with."""
    values = tensor.values
    return int((~values.to(dtype).isfinite()).sum()) if values.is_floating_point() else 0


def _not_numbers(found: list[Tensor], dtype: torch.dtype) -> JobFailed:
    first = found[0]
    said = say(
        "weights-not-numbers",
        count=len(found),
        tensors=_names(found),
        first=first.name,
        wrong=_wrong(first, dtype),
        values=first.values.numel(),
    )
    return JobFailed(FailureCode.MODEL_UNREADABLE, said, say("fetch-damaged-again"))


def _names(found: list[Tensor]) -> list[str | Message]:
    """The first few, each with its file."""
    return [say("tensor-of-file-piece", name=one.name, file=one.file.name) for one in found[:_SHOWN]]
