"""One piece of the worker's work in a process of its own, which may be limited, misled or killed.

`python -m tests.worker.apart` imports torch and loads a model once, and then forks a process for each order
on its standard input; what that did comes back with the memory it took. Nothing of the work itself is
replaced, but a diagnosis takes a shorter sample of how fast memory is read.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from services.worker.running_job import JsonValue, NoJob
from shared.messages.message import Message
from shared.messages.render import in_english
from shared.reports.load import LoadReport
from shared.settings import PROJECT_ROOT, Settings

ORDER_SECONDS = 240.0
INTAKE_SAMPLE_BYTES = 32 * 1024**2


@dataclass(frozen=True)
class Order:
    """`work` is "diagnose", "load" (as a job would) or "explain"; `request` has the fields of the request."""

    work: str
    request: Mapping[str, Any]
    place: str
    """The folder around the installation's `data` and `models`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    """`cgroup.procs` of the control groups that the process joins first."""
    at_stage: Mapping[str, str] = field(default_factory=dict)
    """What a shell does to the files when the work first reports a stage."""
    watch_seconds: float = 0.2
    seconds: float = ORDER_SECONDS


@dataclass(frozen=True)
class Outcome:
    """How the work ended. `died` is the exit code of a process that said nothing more."""

    value: dict[str, Any] | None = None
    failure: dict[str, str] | None = None
    error: str | None = None
    """The traceback of anything but a JobFailed."""
    died: int | None = None
    grown_bytes: int = 0
    """Most memory in use at once beyond what the process had at its start."""
    seconds: float = 0.0
    events: tuple[str, ...] = ()

    @property
    def report(self) -> LoadReport:
        assert self.value is not None, self.error or self.failure or f"exit code {self.died}"
        return LoadReport.model_validate(self.value)


class Apart:
    """The process that forks; one order at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, order: Order) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order.__dict__) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))


@contextmanager
def apart() -> Iterator[Apart]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.worker.apart"],
        cwd=PROJECT_ROOT,
        env=os.environ
        | {"PYTHONPATH": str(PROJECT_ROOT), "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Apart(process)
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    orders, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    _load_once()
    gc.collect()
    gc.freeze()  # or the first collection of a fork would copy every page
    for line in orders:
        answers.write(json.dumps(_forked(Order(**json.loads(line)))) + "\n")
        answers.flush()


def _load_once() -> None:
    """What a first load imports and compiles, so that no order pays for it."""
    import torch

    from services.worker.diagnosis import diagnose, intake  # noqa: F401  # not needed by a load alone
    from tests.tiny_models import make_tiny_llama

    intake.SAMPLE_BYTES = INTAKE_SAMPLE_BYTES
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="apart-") as place:
        make_tiny_llama(Path(place) / "models" / "tiny")
        done = _done(Order("load", {"model": "tiny"}, place))
        assert "value" in done, done


def _forked(order: Order) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(order, os.fdopen(writing, "w"))
    os.close(writing)
    started = time.monotonic()
    with os.fdopen(reading, "r") as stream:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, order.seconds)
        text = stream.read()
        signal.setitimer(signal.ITIMER_REAL, 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = json.loads(text) if text.endswith("\n") else {"died": code}
    return {**said, "seconds": time.monotonic() - started}


def _work(order: Order, answer: IO[str]) -> NoReturn:
    said: dict[str, Any] = {}
    try:
        for group in order.groups:
            Path(group).write_text(str(os.getpid()))
        os.environ.update(order.environment)
        _read_environment_anew()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = _status("VmRSS")
        said = _done(order)
        said["grown_bytes"] = max(0, _status("VmHWM") - before)
        answer.write(json.dumps(said) + "\n")
        answer.flush()
    finally:
        os._exit(0 if said else 1)


def _read_environment_anew() -> None:
    """What a worker reads from its environment when it imports these modules."""
    from huggingface_hub import constants

    from services.worker.diagnosis import diagnose
    from services.worker.models.hub import cache_folder

    importlib.reload(constants)
    # Else the cache of whoever runs the tests would be a place to measure, with half a gigabyte each time.
    for module in (cache_folder, diagnose):
        vars(module)["OWN_FOLDER"] = Path(constants.HF_HUB_CACHE)


def _done(order: Order) -> dict[str, Any]:
    from services.worker.failures import JobFailed

    report, place = _Notes(order.at_stage), Path(order.place)
    settings = Settings(data_dir=place / "data", models_dir=place / "models")
    try:
        said: dict[str, Any] = {"value": _WORK[order.work](order, settings, report)}
    except JobFailed as failed:
        failure = failed.failure
        said = {"failure": {"code": failure.code, "message": failure.message, "remedy": failure.remedy}}
    except BaseException:
        said = {"error": traceback.format_exc()}
    return said | {"events": report.codes}


class _Notes(NoJob):
    """Keeps the codes of events, and does once what is to be done at a stage."""

    def __init__(self, at_stage: Mapping[str, str]) -> None:
        self.codes: list[str] = []
        self._at_stage = dict(at_stage)

    def progress(self, stage: str, **fields: JsonValue) -> None:
        if command := self._at_stage.pop(stage, None):
            subprocess.run(command, shell=True, check=True)

    def event(self, message: str | Message, **details: Any) -> None:
        self.codes += [str(details.get("data", {}).get("code", in_english(message)))]


def _diagnose(order: Order, settings: Settings, report: NoJob) -> dict[str, Any]:
    from services.worker.diagnosis.diagnose import diagnose
    from shared.schemas.requests import LoadDiagnosticRequest

    request = LoadDiagnosticRequest(**order.request)
    found = diagnose(request, settings=settings, job=report, watch_seconds=order.watch_seconds)
    return dict(json.loads(found.model_dump_json()))


def _load(order: Order, settings: Settings, report: NoJob) -> dict[str, Any]:
    import torch

    from services.worker.models.hub.model_places import ModelPlaces
    from services.worker.models.hub.resolve import resolve_model
    from services.worker.models.residency import Residency

    name, revision = order.request["model"], order.request.get("revision")
    files = resolve_model(name, revision, ModelPlaces.of(settings), job=report)
    base, _ = Residency(torch.device("cpu"), settings.data_dir / "models").base(files, report)
    logits = base.model(torch.arange(1, 9)[None]).logits
    return {
        "phase_seconds": base.phase_seconds,
        "from_artifact": base.from_artifact,
        "sum_of_logits": float(logits.float().abs().sum()),
    }


def _explain(order: Order, settings: Settings, report: NoJob) -> dict[str, Any]:
    from tests.worker.explaining.caused import explained

    return explained(order)


_WORK = {"diagnose": _diagnose, "load": _load, "explain": _explain}


def _status(field_name: str) -> int:
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith(f"{field_name}:"))


if __name__ == "__main__":
    main()
