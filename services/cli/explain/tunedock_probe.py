"""Runs a training program untouched and says where its time goes: `python tunedock_probe.py train.py …`.

This one file can be copied to any machine with Python 3.9 or newer; it needs the standard library alone. It
imports neither torch nor transformers: it waits until the program does, and then puts hooks around the
functions that it watches. A hook only looks at clocks, shapes and masks. One that fails is switched off and
told at the end, and the program goes on as if it had never been there. Processes that the program starts are
not watched.

What it says lies in one table, `SENTENCES`, because the file has to stand alone; it is the one part of
Tunedock whose sentences are not in shared/messages/. What it writes as JSON is described in `FIELDS`.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import io
import json
import os
import runpy
import statistics
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Generator, Iterable
from importlib.machinery import BuiltinImporter, ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

SCHEMA = "tunedock.explain/1"

SENTENCES = {
    # Verdicts: what is wrong, with its numbers, and what to do.
    "padding": "{empty:.0f} of 100 computed tokens are padding. Pad each micro-batch to its longest "
    "row, or sort rows by length: {now} becomes about {then} per step, and the model learns the same.",
    "uneven-rows": "{empty:.0f} of 100 computed tokens are padding, although each micro-batch is padded "
    "to its longest row only. Put rows of like length together (group_by_length, or "
    "train_sampling_strategy), or pack them: {now} becomes about {then} per step; rows then come in "
    "another order.",
    "recomputation": "{share:.0f} % of a step computes again what gradient checkpointing did not keep. "
    "Turn gradient checkpointing off if the memory allows: {now} becomes about {then} per step, and the "
    "model learns the same.",
    "bf16-not-faster": "The layers multiply in float32. bf16 is not clearly faster on this "
    "machine for the sizes of this model: a block of {size} takes {slow} in float32 and "
    "{fast} in bf16, forward and backward; the shortest times are {best_slow} and {best_fast}.",
    "fp32-compute": "The layers multiply in float32. Use bf16 (bf16=True; for quantized weights also "
    "bnb_4bit_compute_dtype=torch.bfloat16): {now} becomes about {then} per step; losses differ in the "
    "last digits.",
    "slow-data-loader": "Each step waits {wait} for its rows. Prepare them once beforehand, or let "
    "workers do it (dataloader_num_workers is {workers}): {now} becomes about {then} per step, and the "
    "model learns the same.",
    "slow-workers": "Each step waits {wait} for its rows, although workers prepare them "
    "(dataloader_num_workers is {workers}). Use more workers while processors are free ({cores} in all), or "
    "prepare the rows once beforehand: {now} becomes about {then} per step, and the model learns the same.",
    "evaluation-too-often": "Evaluation takes {share:.0f} % of the training (number of evaluations: "
    "{times}). Evaluate less often: the run takes about {then} instead of {now}.",
    "saving-too-often": "Saving takes {share:.0f} % of the training (number of saves: {times}). "
    "Save less often: the run takes about {then} instead of {now}.",
    "logging-too-slow": "Logging and callbacks take {share:.0f} % of the training. Log less often, or "
    "remove the callback that waits: the run takes about {then} instead of {now}.",
    "host-bound": "The card waits for Python: giving it work takes {share:.0f} % of a step. Use larger "
    "micro-batches with less accumulation: {now} becomes {then} per step at best.",
    "processor-limit": "A limit on the processor stops the program {share:.0f} % of the training (limit in "
    "processors: {limit}). Raise the limit, or use as many threads as it allows: {now} becomes about {then} "
    "per step.",
    "neighbours": "The program waits {share:.0f} % of the training for a processor that other programs "
    "use. Stop them, or run when the machine is free: {now} becomes about {then} per step.",
    "too-many-threads": "{threads} threads share {cores} processors and wait for each other {share:.0f} "
    "% of the training. Set OMP_NUM_THREADS={cores}: {now} becomes about {then} per step.",
    "swap": "The machine moved {amount} between memory and disk during the training. Use smaller "
    "micro-batches, or close other programs.",
    "throttled": "The card's clock fell from {first:.0f} to {last:.0f} MHz ({reason}). Improve the "
    "cooling or raise the power limit: {now} becomes about {then} per step.",
    "nothing-slow": "Nothing that this probe looks for slows the training down. A step takes {now}; "
    "{percent:.0f} % of it is computing.",
    "no-whole-step": "The training ended before its first step was whole.",
    "no-training": "The program took no training step that this probe could see.",
    "pickle-weights": "The weights are pickled ({files}). Convert them to safetensors once; a pickle "
    "can run code and an old one is read slowly.",
    "slow-reading": "The weights came from the disk at {rate} per second. Move the model to a faster "
    "disk, or keep a smaller (quantized) copy: reading took {seconds} of the load.",
    "quantizing-at-load": "Each start quantizes all weights again: {seconds} of the load. Save the "
    "quantized model once with save_pretrained and load that copy: {now} becomes about {then}.",
    "load-healthy": "Nothing that this probe looks for slows the load down: {now} for {amount}.",
    "load-imports": "Importing libraries takes {imports} of the {now} of the load; the model itself "
    "({amount}) takes {rest}, and nothing that this probe looks for slows that down.",
    "no-load": "The program loaded no model through from_pretrained.",
    # What stands beside a verdict.
    "evidence.padding": "{computed:,} tokens computed, {real:,} real; with each micro-batch padded to "
    "its longest row it would be {longest:,}",
    "evidence.uneven": "{computed:,} tokens computed, {real:,} real",
    "evidence.recomputation": "{calls} segments were computed again, {seconds} per step",
    "evidence.compute-dtype": "a linear layer in the middle of the model computes in float32; a "
    "block of {size} takes {slow} in float32 and {fast} in bf16 on this machine, forward and "
    "backward (medians of {times} times by turns; the shortest are {best_slow} and {best_fast})",
    "size": "{tokens:,} tokens × {inputs:,} × {outputs:,}",
    "evidence.data": "{data} reading rows, {collating} collating them, per step",
    "evidence.interval": "{seconds} each",
    "evidence.waiting": "in {wall} of training its threads together waited {wait} for a processor and "
    "computed for {run}; other programs computed for {others}",
    "evidence.throttled": "{throttled} of {periods} periods were stopped",
    "evidence.files": "{files} files of {format}, {amount}",
    "evidence.one-file": "one file of {format}, {amount}",
    "evidence.from-disk": "{amount} of the {all} came from the disk, the rest from memory",
    "evidence.threads-one": "one file at a time: quantizing at load turns parallel reading off",
    "evidence.host": "{host} of host time per step in forward, backward and optimizer; {wait} waiting "
    "for the card",
    # The frame of the report.
    "title": "Tunedock explains {program}: {seconds} in all, {outcome}",
    "ended": "it ended normally",
    "ended-status": "it ended with status {status}",
    "ended-error": "it ended with {error}",
    "head.step": "Where a step goes",
    "head.load": "How the model loads",
    "head.stages": "The stages of the run",
    "head.troubles": "What this probe could not watch",
    "step": "{median}; {rows} × {accumulation} rows, {computed:,} tokens computed, {real:,} of them real",
    "step-without-tokens": "{median}; {rows} × {accumulation} rows",
    "only-step": "{median} for the only step, which warms up",
    "second-step": "{median} for the second step; the first warms up",
    "median-step": "{median} in the median of the {steps:,} steps after the first",
    "whole-run": "the training of {steps} took {now}; with the first change it takes about {then}",
    "one-step": "one step",
    "all-steps": "{steps:,} steps",
    "some-steps": "{steps:,} of {planned:,} steps",
    "between-steps": "between steps, in the whole run",
    "settings": "settings: {settings}",
    "memory": "memory: {parts}",
    "memory.rss": "{amount} at most",
    "memory.card": "{amount} at most on the card ({reserved} reserved)",
    "rank": "{number}. {verdict}",
    "load.shards": "seconds per file: {seconds}",
    "outside": "not in it: {seconds} for this report, and the start and end of the interpreter",
    "trouble": "hook {hook} failed and was turned off: {error}",
    "trouble-in-part": "the part {part} failed: {error}",
    "trouble-in-report": "the report failed: {error}",
    "launcher": "The program started other processes, and took no step in this one. Put the probe in "
    "front of the script itself, as in: accelerate launch tunedock_probe.py train.py",
    "children": "The program started processes of its own, and this probe watches the first process only. If "
    "one of the others trains, run its script under the probe.",
    "cut": "{text} …",
    "cost": "the probe's own work: about {seconds}, {percent:.2f} % of the training",
    "written": "The whole report: {path}",
    "not-written": "The report could not be written to {path}: {error}",
    "usage": "usage: python tunedock_probe.py [--json FILE] (SCRIPT | -m MODULE | -c CODE | -) [ARGUMENTS "
    "…]\n\nRuns the program and says at its end how the model loads and where a step goes.",
    "no-program": "tunedock_probe.py: give the program to run, as in: python tunedock_probe.py train.py",
    "no-file-name": "tunedock_probe.py: give the name of a file after --json",
    "no-option": "tunedock_probe.py: there is no option {option}; there is --json FILE, and the options "
    "of the program come after its name",
    "no-script": "tunedock_probe.py: can't open the program {script!r}: {error}",
}

# What a report has, as path → meaning. `*` is a name, `[]` an element of a list. Seconds are wall time.
FIELDS = {
    "schema": "name and version of this shape; a new version may add fields",
    "verdict": "the first sentence of the step's report; of the load's where no step was taken",
    "program.arguments[]": "the program's own words",
    "program.seconds": "from its first line to its end, without the start and end of the interpreter",
    "program.outcome": "how it ended, as a sentence",
    "machine.*": "versions, processors, memory, card",
    "stages.*": "seconds of a stage: the eight of a run, and `imports`, `tokenizer_load`, `evaluation`, "
    "`saving`, `own_code`; together the program's seconds",
    "load.verdict": "the first finding's sentence; without a finding, the sentence that nothing slows the "
    "load down",
    "load.seconds": "in from_pretrained of models",
    "load.files[].*": "a file of weights: `path`, `format`, `bytes`, and `seconds` where files are read "
    "one by one",
    "load.bytes": "of the files of weights",
    "load.disk_bytes": "read from a disk meanwhile; null where the system does not tell",
    "load.quantize_seconds": "spent in quantizing, a part of `seconds`",
    "load.import_seconds": "spent in importing libraries, a part of `seconds`",
    "load.findings[].*": "as `training.findings`",
    "opened.*.*": "`files` that were opened and their `bytes`, by format; each file once",
    "training": "null where no step was seen",
    "training.verdict": "as `load.verdict`",
    "training.steps": "optimizer steps",
    "training.planned_steps": "steps the run was to take",
    "training.seconds": "from the first row asked for to the end",
    "training.step_seconds.*": "`median`, `mean`, `first`; as `each[]` the first 10,000; without "
    "evaluation and saving",
    "training.phases.*": "seconds of a phase in the median step; shares as in the mean of the steps after "
    "the first",
    "training.device_phases.*": "seconds of a phase in the mean of the steps after the first, measured on "
    "the card, where there is one",
    "training.between_steps.*.*": "`seconds` of evaluation, saving and logging in the whole run, `times`",
    "training.tokens.*": "`real`, `computed`, `longest` (if padded to the longest row of each "
    "micro-batch), `rows`",
    "training.settings.*": "what was in effect: batch, accumulation, checkpointing, precision, "
    "optimizer, loader",
    "training.settings.parameters_by_dtype.*": "numbers held; in 4 bits two are one `uint8`",
    "training.compute_dtype": "in which a linear layer computed; null where there was none to look at",
    "training.multiplication.*": "where layers computed in float32: `float32_seconds` and "
    "`bfloat16_seconds` (medians of `times`; also `_shortest`) of a block of `tokens` × "
    "`inputs` × `outputs` forward and backward; `ratio` of bf16 to float32, of the medians or of the "
    "shortest, whichever is worse; whether bf16 is `clearly_faster`",
    "training.recomputed_segments": "calls of checkpointed functions in the backward pass",
    "training.processor.*": "`threads` and `processors`; during the training `cpu_seconds` of the "
    "program and `children_seconds` of processes that it started and that ended, `wait_seconds` for a "
    "processor, `machine_seconds` of all programs, `nr_throttled` of `nr_periods` of a limit, "
    "`swapped_bytes` of the machine, `major_faults`",
    "training.card.*": "clocks, power and temperature, from NVML",
    "training.findings[].*": "`check`, `sentence`, `evidence`, `gain_seconds` (predicted, whole run), "
    "`step_seconds` (predicted, null where not told), `same_learning`; greatest gain first",
    "memory.*": "peaks in bytes: `rss`, `children_rss`, `card_allocated`, `card_reserved`",
    "probe.calls": "how often a hook ran",
    "probe.cost_seconds": "estimated cost of all hooks, from a calibration at the end",
    "probe.report_seconds": "spent on the report after the program's end, no part of its seconds",
    "probe.failures[].*": "`hook`, or the part of the report, and `error`",
    "probe.absent[]": "hooks whose function this version of its library does not have",
}

STAGES = (
    "imports", "tokenizer_load", "model_load", "dataset_load", "kbit_preparation", "lora", "tokenizing",
    "set_up", "training", "collating", "evaluation", "saving", "own_code",
)  # fmt: skip
PHASES = (
    "data", "collating", "copy", "forward", "recomputation", "backward", "optimizer", "logging", "evaluation",
    "saving", "rest",
)  # fmt: skip
BETWEEN = ("evaluation", "saving")
COMPUTING = ("forward", "recomputation", "backward")
# Inside these, nothing else is told apart: an evaluation's rows and forward passes are evaluation.
CLOSED = frozenset(
    ("imports", "tokenizer_load", "model_load", "dataset_load", "kbit_preparation", "lora", "tokenizing",
     "evaluation", "saving")
)  # fmt: skip
MOST_STEPS_KEPT = 10_000
MOST_FILES_KEPT = 100_000


class Clock:
    """Wall seconds by region; each instant of the watched thread counts once, for the innermost region."""

    def __init__(self) -> None:
        self.totals: dict[str, float] = {}
        self.stack = ["own_code"]
        self.since = time.perf_counter()
        self.thread = threading.get_ident()
        self.on_change: Callable[[str], None] | None = None

    def enter(self, region: str) -> int:
        """Begin a region; returns what `leave` wants, 0 where the region does not count here."""
        top = self.stack[-1]
        if top == region or top in CLOSED or threading.get_ident() != self.thread:
            return 0
        self._count()
        self.stack.append(region)
        return len(self.stack) - 1

    def leave(self, depth: int) -> None:
        """End the region begun at `depth`, and what an error left open within it."""
        if depth and threading.get_ident() == self.thread and len(self.stack) > depth:
            self._count()
            del self.stack[depth:]

    def become(self, region: str) -> None:
        """From now on, the innermost region is another one."""
        if self.stack[-1] != region:
            self._count()
            self.stack[-1] = region

    def within(self, region: str) -> bool:
        return region in self.stack

    def _count(self) -> None:
        now = time.perf_counter()
        top = self.stack[-1]
        self.totals[top] = self.totals.get(top, 0.0) + now - self.since
        self.since = now
        if self.on_change is not None:
            self.on_change(top)

    def read(self) -> dict[str, float]:
        """All seconds until now."""
        now = time.perf_counter()
        top = self.stack[-1]
        self.totals[top] = self.totals.get(top, 0.0) + now - self.since
        self.since = now
        return dict(self.totals)


class Training:
    """What was seen of the training."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.planned_steps: int | None = None
        self.before: dict[str, float] = {}  # the clock when the training began
        self.at_cut: dict[str, float] = {}
        self.sums: dict[str, float] = {}  # phases of all steps but the first
        self.first: dict[str, float] = {}
        self.each: list[float] = []
        self.steps = 0
        self.seconds = 0.0
        self.began: float | None = None
        self.totals: dict[str, float] = {}
        self.times = {"evaluation": 0, "saving": 0, "logging": 0}
        self.rows = self.real = self.computed = self.longest = self.unknown = 0
        self.fetched: deque[tuple[int, int, int, int] | None] = deque()  # micro-batches not yet computed
        self.step_calls = 0  # of Trainer.training_step in this step
        self.own_loop = False  # no Trainer: the program's own loop
        self.in_trainer = self.trainer_ran = False
        self.fetched_from: int | None = None  # the data set of the last rows, by its identity
        self.learns_from: int | None = None
        self.micro_batches = 0
        self.recomputed = 0
        self.recompute_seconds_elsewhere = 0.0
        self.global_step = -1
        self.model: dict[str, Any] = {}
        self.compute_dtype: str | None = None
        self.layer: dict[str, Any] | None = None  # sizes of a linear layer, as it computed
        self.multiplication: dict[str, Any] | None = None
        self.processor_before: dict[str, float] = {}
        self.processor: dict[str, float] = {}


class Load:
    """What was seen of the loading of models."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.open_file: tuple[str, float] | None = None
        self.quantize_seconds = 0.0
        self.quantized_at_load = False
        self.import_seconds = 0.0
        self.importing = False
        self.disk_bytes: float | None = None
        self.count = 0


class Probe:
    """Everything that was seen, and which hooks failed."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.silent = False
        self.clock = Clock()
        self.began = time.perf_counter()
        self.training = Training()
        self.load = Load()
        self.opened: dict[str, dict[str, float]] = {}
        self.opened_paths: set[str] = set()
        self.failures: dict[str, str] = {}
        self.calls = 0
        self.device = DevicePhases()
        self.card: CardSampler | None = None
        self.started_processes = False
        self.arguments: list[str] = []
        self.json_path: Path | None = None
        self.outcome = SENTENCES["ended"]

    def fail(self, part: str, error: BaseException) -> None:
        self.failures.setdefault(part, f"{type(error).__name__}: {error}")


def attempt(probe: Probe, part: str, make: Callable[[], Any], without: Any) -> Any:
    """What `make` gives; where it fails, that is told once, and `without` stands in for it."""
    try:
        return make()
    except Exception as error:
        probe.fail(part, error)
        return without


# ---------------------------------------------------------------------------------------------------- hooks

Watching = Generator[None, Any, None]
Around = Callable[["Probe", tuple[Any, ...], dict[str, Any]], Watching]
FAILED = object()  # sent to a hook whose function raised


class Hook:
    """A function that is watched: `around` runs to its `yield`, then the function, then the rest of it."""

    def __init__(self, modules: tuple[str, ...], path: str, around: Around) -> None:
        self.modules = modules
        self.path = path
        self.name = f"{modules[0]}.{path}"
        self.around = around
        self.broken = False
        self.installed = False
        self.missing = False  # a module was imported that lacks the function

    def install(self, module: Any, probe: Probe) -> None:
        owner = module
        *parents, last = self.path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        found = vars(owner)[last]
        self.installed = True
        if isinstance(found, (classmethod, staticmethod)):
            setattr(owner, last, type(found)(self.wrapped(found.__func__, probe)))
        else:
            setattr(owner, last, self.wrapped(found, probe))

    def wrapped(self, original: Callable[..., Any], probe: Probe) -> Callable[..., Any]:
        hook = self

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if probe.silent or hook.broken:
                return original(*args, **kwargs)
            watching = hook.begin(probe, args, kwargs)
            if watching is None:
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException:
                hook.end(probe, watching, FAILED)
                raise
            hook.end(probe, watching, result)
            return result

        return watched

    def begin(self, probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching | None:
        probe.calls += 1
        try:
            watching = self.around(probe, args, kwargs)
            next(watching)
            return watching
        except StopIteration:
            return None
        except Exception as error:
            self.switch_off(probe, error)
            return None

    def end(self, probe: Probe, watching: Watching, result: Any) -> None:
        try:
            watching.send(result)
        except StopIteration:
            pass
        except Exception as error:
            self.switch_off(probe, error)

    def switch_off(self, probe: Probe, error: Exception) -> None:
        self.broken = True
        probe.fail(self.name, error)


HOOKS: list[Hook] = []


def watch(path: str, *modules: str) -> Callable[[Around], Around]:
    """Put `around` round a function of the first of these modules that is imported and has it."""

    def add(around: Around) -> Around:
        HOOKS.append(Hook(modules, path, around))
        return around

    return add


def watch_region(region: str, path: str, *modules: str) -> None:
    """Count a function's time for a region, and do nothing else."""

    def around(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
        depth = probe.clock.enter(region)
        if depth:
            yield
            probe.clock.leave(depth)

    HOOKS.append(Hook(modules, path, around))


class ImportWatcher:
    """A finder that finds nothing itself: it lets others find, and installs hooks once a module has run."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.busy = threading.local()
        self.by_module: dict[str, list[Hook]] = {}
        for hook in HOOKS:
            for module in hook.modules:
                self.by_module.setdefault(module, []).append(hook)

    def start(self) -> None:
        for name in list(sys.modules):
            self.patch(name, sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        outermost = self.probe.clock.stack[-1] in ("own_code", "model_load")
        if self.probe.silent or getattr(self.busy, "now", False) or not (outermost or name in self.by_module):
            return None
        self.busy.now = True
        try:
            spec = self.found_by_others(name, path, target)
            if spec is not None:
                self.attach(spec, name)
            return spec
        except Exception:
            return None  # whoever comes next raises it again
        finally:
            self.busy.now = False

    def found_by_others(self, name: str, path: Any, target: Any) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is not self and find is not None:
                spec: ModuleSpec | None = find(name, path, target)
                if spec is not None:
                    return spec
        return None

    def attach(self, spec: ModuleSpec, name: str) -> None:
        """Have the loader tell us; it stays the object it is, since programs look at its type."""
        loader: Any = spec.loader
        if loader is None or isinstance(loader, type) or not hasattr(loader, "exec_module"):
            return
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            vars(loader).pop("exec_module", None)
            clock, load = self.probe.clock, self.probe.load
            depth = clock.enter("imports")
            within = clock.stack[-1] == "model_load" and not load.importing
            load.importing, began = load.importing or within, time.perf_counter()
            try:
                execute(module)
            finally:
                clock.leave(depth)
                if within:
                    load.importing = False
                    load.import_seconds += time.perf_counter() - began
            self.patch(name, module)

        try:
            loader.exec_module = exec_module
        except (AttributeError, TypeError):
            return  # a loader that can't be told: the module is not watched

    def patch(self, name: str, module: Any) -> None:
        for hook in self.by_module.get(name, ()):
            try:
                if not hook.installed:
                    hook.install(module, self.probe)
            except (AttributeError, KeyError):
                hook.missing = True
            except Exception as error:
                self.probe.fail(hook.name, error)


# ------------------------------------------------------------------------------------------ stages before it

MODELS = "transformers.modeling_utils"
AUTO = "transformers.models.auto.auto_factory"


def loading(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    depth = probe.clock.enter("model_load")
    if not depth:
        return
    before = disk_bytes_read()
    yield
    probe.clock.leave(depth)
    load = probe.load
    load.count += 1
    end_of_file(load)
    after = disk_bytes_read()
    if before is not None and after is not None:
        load.disk_bytes = (load.disk_bytes or 0.0) + after - before


for _path, _module in (
    ("_BaseAutoModelClass.from_pretrained", AUTO),
    ("PreTrainedModel.from_pretrained", MODELS),
):
    watch(_path, _module)(loading)


@watch("_get_resolved_checkpoint_files", MODELS)
def resolved_files(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    result = yield
    files = result[0] if isinstance(result, tuple) else None
    for file in files or ():
        weights_file(probe, file)


@watch("load_shard_file", MODELS)
def a_shard(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    begin_file(probe, args[0][0])
    yield
    end_of_file(probe.load)


@watch("load_state_dict", MODELS)
def a_state_dict(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    """Older versions read a file here and use it until they read the next one."""
    if kwargs.get("map_location") != "meta" and not hook_named("load_shard_file").installed:
        begin_file(probe, args[0] if args else kwargs["checkpoint_file"])
    elif args:
        weights_file(probe, args[0])
    return
    yield


@watch("load", "torch.serialization")
def torch_load(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    file = args[0] if args else kwargs.get("f")
    if isinstance(file, (str, os.PathLike)) and probe.clock.within("model_load"):
        weights_file(probe, file)
    return
    yield


@watch("Params4bit._quantize", "bitsandbytes.nn.modules")
def quantizing(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    began = time.perf_counter()
    yield
    probe.load.quantize_seconds += time.perf_counter() - began
    probe.load.quantized_at_load = True


watch("Int8Params.cuda", "bitsandbytes.nn.modules")(quantizing)

watch_region("tokenizer_load", "AutoTokenizer.from_pretrained", "transformers.models.auto.tokenization_auto")
watch_region(
    "tokenizer_load", "PreTrainedTokenizerBase.from_pretrained", "transformers.tokenization_utils_base"
)
watch_region("dataset_load", "load_from_disk", "datasets.load")
watch_region("dataset_load", "load_dataset", "datasets.load")
watch_region("dataset_load", "Dataset.load_from_disk", "datasets.arrow_dataset")
watch_region("dataset_load", "DatasetDict.load_from_disk", "datasets.dataset_dict")
watch_region("tokenizing", "Dataset.map", "datasets.arrow_dataset")
watch_region("tokenizing", "DatasetDict.map", "datasets.dataset_dict")
watch_region("kbit_preparation", "prepare_model_for_kbit_training", "peft.utils.other")
watch_region("lora", "get_peft_model", "peft.mapping_func", "peft.mapping")
watch_region("lora", "PeftModel.from_pretrained", "peft.peft_model")
watch_region("set_up", "Trainer.__init__", "transformers.trainer")
watch_region("set_up", "SFTTrainer.__init__", "trl.trainer.sft_trainer")


@watch("_memory_mapped_arrow_table_from_file", "datasets.table")
def arrow_file(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    file = args[0] if args else kwargs.get("filename")
    if file is not None:
        count_opened(probe, os.fspath(file))
    return
    yield


def hook_named(path: str) -> Hook:
    return next(hook for hook in HOOKS if hook.path == path)


def weights_file(probe: Probe, file: Any) -> None:
    load, path = probe.load, os.path.realpath(os.fspath(file))
    if path not in load.files:
        load.files[path] = {
            "path": os.fspath(file), "format": format_of(os.fspath(file)), "bytes": size_of(path),
            "seconds": None,
        }  # fmt: skip
        if load.files[path]["format"] == "safetensors":
            count_opened(probe, path)  # read by a library in Rust, of which Python hears nothing


def begin_file(probe: Probe, file: Any) -> None:
    end_of_file(probe.load)
    weights_file(probe, file)
    probe.load.open_file = (os.path.realpath(os.fspath(file)), time.perf_counter())


def end_of_file(load: Load) -> None:
    if load.open_file is not None:
        path, began = load.open_file
        load.files[path]["seconds"] = (load.files[path]["seconds"] or 0.0) + time.perf_counter() - began
        load.open_file = None


FORMATS = {
    ".safetensors": "safetensors", ".bin": "pickle", ".pt": "pickle", ".pth": "pickle", ".ckpt": "pickle",
    ".pkl": "pickle", ".arrow": "arrow", ".parquet": "parquet", ".json": "json", ".jsonl": "json",
    ".csv": "csv", ".gguf": "gguf", ".model": "tokenizer",
}  # fmt: skip


def format_of(path: str) -> str:
    return FORMATS.get(os.path.splitext(path)[1].lower(), "other")


def size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def count_opened(probe: Probe, path: str) -> None:
    kind = format_of(path)
    if kind != "other" and path not in probe.opened_paths and len(probe.opened_paths) < MOST_FILES_KEPT:
        probe.opened_paths.add(path)
        seen = probe.opened.setdefault(kind, {"files": 0, "bytes": 0})
        seen["files"] += 1
        seen["bytes"] += size_of(path)


def listen_to_opened_files(probe: Probe) -> None:
    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if (
                not probe.silent
                and isinstance(args[0], str)
                and not (isinstance(args[2], int) and args[2] & 3)
            ):
                try:
                    count_opened(probe, args[0])
                except Exception as error:
                    probe.fail("open", error)
        elif event == "subprocess.Popen" and not probe.silent:
            probe.started_processes = True

    sys.addaudithook(hear)


# ------------------------------------------------------------------------------------------------- training


@watch("Trainer.train", "transformers.trainer")
def train(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    clock, training = probe.clock, probe.training
    if clock.thread != threading.get_ident():
        clock.thread = threading.get_ident()  # the program trains in a thread of its own
        clock.stack[:] = ["own_code"]
    end_training(probe)
    training.settings = settings_of(args[0])
    training.global_step = -1
    training.in_trainer = training.trainer_ran = True
    depth = clock.enter("set_up")
    yield
    clock.leave(depth)
    training.in_trainer = False
    end_training(probe)


def end_training(probe: Probe) -> None:
    training = probe.training
    if training.began is not None:
        now = probe.clock.read()
        if training.own_loop:
            now = end_own_loop(probe, now)
        for name in {*PHASES, *STAGES}:
            part = now.get(name, 0.0) - training.before.get(name, 0.0)
            training.totals[name] = training.totals.get(name, 0.0) + part
        training.seconds += sum(now.values()) - sum(training.before.values())
        training.began = None
        probe.clock.on_change = None
        probe.device.collect(wait=True)
        after = processor_now()
        for name, value in after.items():
            if name in training.processor_before:
                part = value - training.processor_before[name]
                training.processor[name] = training.processor.get(name, 0.0) + part
        if probe.card is not None:
            probe.card.stop()


def end_own_loop(probe: Probe, now: dict[str, float]) -> dict[str, float]:
    """A loop ends with its last step; what came after it is the program's own again."""
    training, clock = probe.training, probe.clock
    for name in PHASES:
        after = now.get(name, 0.0) - training.at_cut.get(name, 0.0)
        clock.totals[name] = now.get(name, 0.0) - after
        clock.totals["own_code"] = clock.totals.get("own_code", 0.0) + after
    clock.stack[:] = ["own_code"]
    training.own_loop = False
    return training.at_cut


def begin_training(probe: Probe) -> None:
    """At the first row asked for: what came before was set-up, or the program's own code."""
    training, clock = probe.training, probe.clock
    if training.began is None and training.in_trainer == (clock.stack[-1] == "set_up"):
        training.own_loop = not training.in_trainer
        clock.become("rest")
        training.before = training.at_cut = clock.read()
        training.began = time.perf_counter()
        training.fetched.clear()
        training.processor_before = processor_now()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            probe.device.start(torch, clock)
            probe.card = CardSampler(torch.cuda.current_device(), torch)
            probe.card.start()


@watch("_BaseDataLoaderIter.__next__", "torch.utils.data.dataloader")
def next_rows(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    clock, training = probe.clock, probe.training
    begin_training_here(probe)
    mine = training.own_loop and len(clock.stack) == 1 and clock.thread == threading.get_ident()
    if mine and evaluates(training, args[0]):
        training.times["evaluation"] += clock.stack[-1] != "evaluation"
        clock.become("evaluation")
        return
    if mine:
        clock.become("rest")
    depth = clock.enter("data")
    if not depth:
        return
    batch = yield
    clock.leave(depth)
    if batch is not FAILED and training.began is not None:
        training.fetched.append(attempt(probe, "tokens", lambda: tokens_of(batch), None))
        if mine:
            clock.become("forward")
            count_tokens(training)


def begin_training_here(probe: Probe) -> None:
    if probe.clock.thread == threading.get_ident() and probe.clock.stack[-1] in ("set_up", "own_code"):
        begin_training(probe)


def evaluates(training: Training, rows: Any) -> bool:
    """In a program's own loop: whether these rows are of another data set than those that it learns from."""
    training.fetched_from = id(rows._dataset)
    training.settings.setdefault("dataloader_num_workers", rows._num_workers)
    return training.learns_from not in (None, training.fetched_from)


@watch("DataLoader.__iter__", "torch.utils.data.dataloader")
def start_loader(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    if probe.clock.stack[-1] == "set_up":
        begin_training_here(probe)
    depth = probe.clock.enter("data") if probe.training.began is not None else 0
    if depth:
        yield
        probe.clock.leave(depth)


@watch("_BaseDatasetFetcher.__init__", "torch.utils.data._utils.fetch")
def fetcher(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    result = yield
    if result is not FAILED:
        collating = Hook(("torch.utils.data._utils.fetch",), "collate_fn", _collating)
        args[0].collate_fn = collating.wrapped(args[0].collate_fn, probe)


def _collating(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    depth = probe.clock.enter("collating")
    if depth:
        yield
        probe.clock.leave(depth)


def tokens_of(batch: Any) -> tuple[int, int, int, int] | None:
    """(rows, computed, real, longest row × rows) of a micro-batch; None where it can't be told.

    Real tokens are those of its mask, or those until the last target where it has none.
    """
    get: Callable[[str], Any] = getattr(batch, "get", lambda name: None)
    ids = get("input_ids")
    if ids is None or ids.dim() != 2 or ids.is_cuda:
        return None
    rows, width = ids.shape
    mask, labels = get("attention_mask"), get("labels")
    if mask is not None and mask.shape == ids.shape:
        lengths = mask.ne(0).sum(1).tolist()
    elif labels is not None and labels.shape == ids.shape and rows > 1:
        targets = labels.ne(-100).flip(1).int()
        lengths = [width - first for first in targets.argmax(1).tolist()]  # until the last target
    else:
        lengths = [width] * rows
    return rows, rows * width, sum(lengths), rows * max(lengths)


def count_tokens(training: Training) -> None:
    """The rows that were fetched first are computed now; accelerate fetches one micro-batch ahead."""
    tokens = training.fetched.popleft() if training.fetched else None
    if tokens is None:
        training.unknown += 1
        return
    training.micro_batches += 1
    training.rows += tokens[0]
    training.computed += tokens[1]
    training.real += tokens[2]
    training.longest += tokens[3]


@watch("Trainer.training_step", "transformers.trainer")
def training_step(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    training, clock = probe.training, probe.clock
    if clock.stack[-1] == "set_up":
        begin_training_here(probe)
    if training.began is not None:
        training.step_calls += 1
        count_tokens(training)
    if not training.model:
        model = args[1] if len(args) > 1 else kwargs["model"]
        training.model = attempt(probe, "model", lambda: look_at_model(training, model), {"seen": False})
    depth = clock.enter("forward")
    if depth:
        yield
        clock.leave(depth)


@watch("Accelerator.backward", "accelerate.accelerator")
@watch("Tensor.backward", "torch._tensor")
def backward(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    training = probe.training
    if training.own_loop and training.learns_from is None:
        training.learns_from = training.fetched_from
    depth = probe.clock.enter("backward")
    if depth:
        yield
        probe.clock.leave(depth)
        if probe.clock.stack[-1] == "forward":
            probe.clock.become("rest")  # of the micro-batch


class CheckpointHook(Hook):
    """Times what gradient checkpointing runs again: the second and later calls of a checkpointed function.

    Recomputation ends by an exception once all tensors are back, so its time is taken in `finally`.
    """

    def wrapped(self, original: Callable[..., Any], probe: Probe) -> Callable[..., Any]:
        hook = self

        @functools.wraps(original)
        def checkpoint(function: Any, *args: Any, **kwargs: Any) -> Any:
            if probe.silent or hook.broken:
                return original(function, *args, **kwargs)
            try:
                function = hook.timed(function, probe)
            except Exception as error:
                hook.switch_off(probe, error)
            return original(function, *args, **kwargs)

        return checkpoint

    def timed(self, function: Any, probe: Probe) -> Any:
        compiling = getattr(getattr(sys.modules["torch"], "compiler", None), "is_compiling", None)
        if probe.clock.stack[-1] in CLOSED or (compiling is not None and compiling()):
            return function
        ran = False

        @functools.wraps(function, assigned=())
        def run(*args: Any, **kwargs: Any) -> Any:
            nonlocal ran
            if not ran:
                ran = True
                return function(*args, **kwargs)
            watching = self.begin(probe, (), {})
            try:
                return function(*args, **kwargs)
            finally:
                if watching is not None:
                    self.end(probe, watching, None)

        return run


def recomputing(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    probe.training.recomputed += 1
    depth = probe.clock.enter("recomputation")
    marks = None if depth else probe.device.begin_recomputation()
    began = time.perf_counter()
    yield
    if depth:
        probe.clock.leave(depth)
    else:  # autograd's own thread, as for a card
        probe.training.recompute_seconds_elsewhere += time.perf_counter() - began
    probe.device.end_recomputation(marks)


HOOKS.append(CheckpointHook(("torch.utils.checkpoint",), "checkpoint", recomputing))


class OptimizerHook(Hook):
    """Asks torch to be told of every optimizer's steps; in a program's own loop, a step ends with it."""

    watching: Watching | None = None

    def install(self, module: Any, probe: Probe) -> None:
        def before(optimizer: Any, args: Any, kwargs: Any) -> None:
            self.watching = None if probe.silent or self.broken else self.begin(probe, (optimizer,), {})

        def after(optimizer: Any, args: Any, kwargs: Any) -> None:
            watching, self.watching = self.watching, None
            if watching is not None:
                self.end(probe, watching, None)

        module.register_optimizer_step_pre_hook(before)
        module.register_optimizer_step_post_hook(after)
        self.installed = True


def optimizing(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    depth = probe.clock.enter("optimizer")
    yield
    probe.clock.leave(depth)
    if probe.training.own_loop and probe.clock.thread == threading.get_ident():
        cut(probe)


HOOKS.append(OptimizerHook(("torch.optim.optimizer",), "Optimizer.step", optimizing))
watch_region("copy", "Trainer._prepare_inputs", "transformers.trainer")
watch_region("copy", "send_to_device", "accelerate.utils.operations")
watch_region("optimizer", "AcceleratedOptimizer.step", "accelerate.optimizer")
watch_region("optimizer", "AcceleratedOptimizer.zero_grad", "accelerate.optimizer")
watch_region("optimizer", "Accelerator.clip_grad_norm_", "accelerate.accelerator")
watch_region("logging", "CallbackHandler.call_event", "transformers.trainer_callback")


def counted(region: str) -> Around:
    def around(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
        if probe.clock.stack[-1] not in CLOSED:
            probe.training.times[region] += probe.training.began is not None
        depth = probe.clock.enter(region)
        if depth:
            yield
            probe.clock.leave(depth)

    return around


for _region, _path in (
    ("logging", "Trainer.log"), ("evaluation", "Trainer.evaluate"), ("evaluation", "Trainer.predict"),
    ("saving", "Trainer._save_checkpoint"), ("saving", "Trainer.save_model"),
):  # fmt: skip
    watch(_path, "transformers.trainer")(counted(_region))


@watch("Trainer._maybe_log_save_evaluate", "transformers.trainer")
def end_of_step(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
    depth = probe.clock.enter("logging")
    yield
    probe.clock.leave(depth)
    state = args[0].state
    if probe.training.began is not None and state.global_step != probe.training.global_step:
        probe.training.global_step = state.global_step
        probe.training.planned_steps = state.max_steps
        cut(probe)


def cut(probe: Probe) -> None:
    """A step ends here; what is no part of it (evaluation, saving) has names of its own."""
    training = probe.training
    if not training.step_calls:  # a trainer with a training_step of its own
        while training.fetched:
            count_tokens(training)
    training.step_calls = 0
    now = probe.clock.read()
    phases = {name: now.get(name, 0.0) - training.at_cut.get(name, 0.0) for name in PHASES}
    training.at_cut = now
    training.steps += 1
    if training.steps == 1:
        training.first = phases
    else:
        for name, seconds in phases.items():
            training.sums[name] = training.sums.get(name, 0.0) + seconds
    if len(training.each) < MOST_STEPS_KEPT:
        training.each.append(sum(seconds for name, seconds in phases.items() if name not in BETWEEN))
    probe.device.cut()


def settings_of(trainer: Any) -> dict[str, Any]:
    """What the trainer was told, by the names of TrainingArguments, old and new."""
    arguments = trainer.args
    names = (
        "per_device_train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing",
        "activation_checkpointing", "bf16", "fp16", "tf32", "optim", "dataloader_num_workers",
        "dataloader_pin_memory", "group_by_length", "train_sampling_strategy", "max_length", "max_seq_length",
        "packing", "padding_free",
        "eval_strategy", "evaluation_strategy", "eval_steps", "save_strategy", "save_steps", "logging_steps",
        "max_steps", "num_train_epochs", "torch_compile",
    )  # fmt: skip
    found = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    return {name: plain(value) for name, value in found.items()}


def plain(value: Any) -> Any:
    """A value as JSON has it; an enumeration's member as its value."""
    value = getattr(value, "value", value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def look_at_model(training: Training, model: Any) -> dict[str, Any]:
    """Sizes and dtypes, once; and one look at the layer in the middle while it computes."""
    kinds: dict[str, int] = {}
    trainable = 0
    for parameter in model.parameters():
        dtype = str(parameter.dtype).replace("torch.", "")
        kinds[dtype] = kinds.get(dtype, 0) + parameter.numel()
        trainable += parameter.numel() if parameter.requires_grad else 0
    config = getattr(model, "config", None)
    linear = [m for m in model.modules() if type(m).__name__ in ("Linear4bit", "Linear8bitLt")]
    linear = linear or [m for m in model.modules() if type(m).__name__ == "Linear"]
    if linear and not training.settings.get("torch_compile"):
        trained = 2 * trainable > sum(kinds.values())
        look_at_layer(training, linear[len(linear) // 2], config, {"trained": trained})
    return {
        "parameters_by_dtype": kinds,
        "trainable": trainable,
        "hidden_size": plain(getattr(config, "hidden_size", None)),
        "layers": plain(getattr(config, "num_hidden_layers", None)),
    }


def autocast_dtype(torch: Any, kind: str) -> Any:
    """The dtype of autocast on this kind of device; None where it is off."""
    if hasattr(torch, "get_autocast_dtype"):
        return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    if kind == "cuda":
        return torch.get_autocast_gpu_dtype() if torch.is_autocast_enabled() else None
    return torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else None


def look_at_layer(training: Training, layer: Any, config: Any, known: dict[str, Any]) -> None:
    """Its dtype, tokens and device; its size as the model's configuration has it, or else its own."""
    torch = sys.modules["torch"]

    def look(module: Any, inputs: Any) -> None:
        handle.remove()
        try:
            kind = inputs[0].device.type
            dtype = autocast_dtype(torch, kind) or getattr(module, "compute_dtype", None) or inputs[0].dtype
            training.compute_dtype = str(dtype).replace("torch.", "")
            training.layer = {
                "tokens": max(1, inputs[0].numel() // inputs[0].shape[-1]), "device": kind,
                "length": inputs[0].shape[-2] if inputs[0].dim() > 2 else 1,
                "inputs": getattr(config, "hidden_size", None) or module.in_features,
                "outputs": getattr(config, "intermediate_size", None) or module.out_features, **known,
            }  # fmt: skip
        except Exception:
            training.compute_dtype = None

    handle = layer.register_forward_pre_hook(look)


# -------------------------------------------------------------------------------------------------- sensors


class DevicePhases:
    """Seconds of phases on a CUDA device, by events between them; nothing waits for the device."""

    def __init__(self) -> None:
        self.torch: Any = None
        self.open: list[tuple[str, Any]] = []  # (phase that ended here, event)
        self.again: list[tuple[Any, Any]] = []
        self.finished: list[tuple[list[tuple[str, Any]], list[tuple[Any, Any]]]] = []
        self.sums: dict[str, float] = {}
        self.steps = 0
        self.warm = False

    def start(self, torch: Any, clock: Clock) -> None:
        self.torch = torch
        clock.on_change = self.mark

    def mark(self, phase: str) -> None:
        if self.torch is not None and phase in PHASES:
            try:
                self.open.append((phase, self.event()))
            except Exception:
                self.torch = None

    def event(self) -> Any:
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def begin_recomputation(self) -> Any:
        return self.event() if self.torch is not None else None

    def end_recomputation(self, began: Any) -> None:
        if began is not None and self.torch is not None:
            self.again.append((began, self.event()))

    def cut(self) -> None:
        if self.torch is not None:
            self.finished.append((self.open, self.again))
            self.open, self.again = self.open[-1:], []
            self.collect(wait=False)

    def collect(self, *, wait: bool) -> None:
        """Read the events of steps that the device has done."""
        try:
            if self.torch is not None:
                self.read_events(wait=wait)
        except Exception:
            self.torch = None  # a device in trouble, of which the program hears itself

    def read_events(self, *, wait: bool) -> None:
        if wait:
            self.torch.cuda.synchronize()
        while self.finished and self.finished[0][0] and self.finished[0][0][-1][1].query():
            marks, again = self.finished.pop(0)
            if not self.warm:
                self.warm = True  # the first step is none of the mean's
                continue
            self.steps += 1
            for before, (phase, event) in enumerate(marks[1:]):
                seconds = marks[before][1].elapsed_time(event) / 1000
                self.sums[phase] = self.sums.get(phase, 0.0) + seconds
            recomputed = sum(began.elapsed_time(ended) for began, ended in again) / 1000
            self.sums["recomputation"] = self.sums.get("recomputation", 0.0) + recomputed
            self.sums["backward"] = self.sums.get("backward", 0.0) - recomputed

    def means(self) -> dict[str, float]:
        return {phase: seconds / self.steps for phase, seconds in self.sums.items()} if self.steps else {}


class CardSampler(threading.Thread):
    """Clock, power and temperature of a card every two seconds, from NVML; what it hides keeps out."""

    QUESTIONS = {
        "sm_mhz": ("nvmlDeviceGetClockInfo", 1, 1.0),
        "power_watts": ("nvmlDeviceGetPowerUsage", None, 1e-3),
        "celsius": ("nvmlDeviceGetTemperature", 0, 1.0),
    }

    def __init__(self, index: int, torch: Any) -> None:
        super().__init__(daemon=True, name="tunedock-probe")
        self.index = index  # among the cards that the program may see
        self.uuid = f"GPU-{getattr(torch.cuda.get_device_properties(index), 'uuid', '')}".encode()
        self.ended = threading.Event()
        self.samples: dict[str, list[float]] = {}
        self.reasons = 0
        self.of: int = 0

    def stop(self) -> None:
        self.ended.set()

    def run(self) -> None:
        try:
            library = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
            handle = ctypes.c_void_p()
            if library.nvmlInit_v2():
                return
            if library.nvmlDeviceGetHandleByUUID(self.uuid, ctypes.byref(handle)) and (
                library.nvmlDeviceGetHandleByIndex_v2(self.index, ctypes.byref(handle))
            ):
                return
            while not self.ended.wait(2.0):
                self.sample(library, handle)
        except Exception:
            return  # no driver, or another one: the card is not watched

    def sample(self, library: Any, handle: Any) -> None:
        self.of += 1
        for name, (function, argument, scale) in self.QUESTIONS.items():
            value = ctypes.c_uint()
            words = [handle] if argument is None else [handle, ctypes.c_int(argument)]
            if getattr(library, function)(*words, ctypes.byref(value)) == 0:
                self.samples.setdefault(name, []).append(value.value * scale)
        reasons = ctypes.c_ulonglong()
        if library.nvmlDeviceGetCurrentClocksThrottleReasons(handle, ctypes.byref(reasons)) == 0:
            self.reasons |= reasons.value & 0xEC  # power, heat, and what the hardware does by itself

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = {"samples": self.of}
        for name, values in self.samples.items():
            tenth = max(1, len(values) // 10)
            found[f"{name}_first"] = statistics.mean(values[:tenth])
            found[f"{name}_last"] = statistics.mean(values[-tenth:])
        found["throttle_reasons"] = self.reasons
        return found


def processor_now() -> dict[str, float]:
    """Counters of this process and machine that only grow; what the system does not tell keeps out."""
    times = os.times()
    found = {
        "cpu_seconds": time.process_time(),
        "children_seconds": times.children_user + times.children_system,  # those that have ended
    }
    run_wait = [line.split() for line in lines_of_all("/proc/self/task", "schedstat")]
    if run_wait:
        found["wait_seconds"] = sum(float(words[1]) for words in run_wait) / 1e9
    for line in lines_of("/proc/stat")[:1]:
        ticks = [float(word) for word in line.split()[1:]]
        busy = sum(ticks[:3]) + sum(ticks[5:7])
        found["machine_seconds"] = busy / os.sysconf("SC_CLK_TCK")
    for line in lines_of("/proc/vmstat"):
        if line.startswith(("pswpin ", "pswpout ")):
            found["swapped_bytes"] = found.get("swapped_bytes", 0.0) + float(line.split()[1]) * os.sysconf(
                "SC_PAGE_SIZE"
            )
    for line in lines_of(cgroup_file("cpu.stat")):
        words = line.split()
        if words[0] in ("nr_periods", "nr_throttled"):
            found[words[0]] = float(words[1])
    try:
        import resource

        found["major_faults"] = float(resource.getrusage(resource.RUSAGE_SELF).ru_majflt)
    except ImportError:
        pass  # Windows
    return found


def cgroup_file(name: str) -> str:
    """A file of this process's control group for the processor, version 2 or 1; empty without one."""
    for line in lines_of("/proc/self/cgroup"):
        number, kinds, group = [*line.split(":", 2), "", ""][:3]
        if number == "0" or "cpu" in kinds.split(","):
            for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"):
                for folder in (root + group, root):
                    if os.path.exists(f"{folder}/{name}"):
                        return f"{folder}/{name}"
    return ""


def processor_quota() -> float | None:
    """Processors that a control group allows; None without a limit."""
    words = (lines_of(cgroup_file("cpu.max")) or ["max"])[0].split()
    if words[0] not in ("max", ""):
        return float(words[0]) / float(words[1])
    quota = (lines_of(cgroup_file("cpu.cfs_quota_us")) or ["-1"])[0]
    period = (lines_of(cgroup_file("cpu.cfs_period_us")) or ["100000"])[0]
    return float(quota) / float(period) if float(quota) > 0 else None


def lines_of(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines() if path else []
    except OSError:
        return []


def lines_of_all(folder: str, name: str) -> list[str]:
    try:
        return [line for entry in os.listdir(folder) for line in lines_of(f"{folder}/{entry}/{name}")]
    except OSError:
        return []


def disk_bytes_read() -> float | None:
    for line in lines_of("/proc/self/io"):
        if line.startswith("read_bytes:"):
            return float(line.split()[1])
    return None


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory() -> dict[str, float]:
    found: dict[str, float] = {}
    try:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        found["children_rss"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    except ImportError:
        found.update(peak_memory_on_windows())
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        found["card_allocated"] = torch.cuda.max_memory_allocated()
        found["card_reserved"] = torch.cuda.max_memory_reserved()
    return found


def peak_memory_on_windows() -> dict[str, float]:
    if os.name != "nt":
        return {}
    fields = [("cb", ctypes.c_ulong), ("faults", ctypes.c_ulong), ("peak", ctypes.c_size_t)]
    fields += [(f"other{number}", ctypes.c_size_t) for number in range(7)]
    counters = type("Counters", (ctypes.Structure,), {"_fields_": fields})()
    counters.cb = ctypes.sizeof(counters)
    library: Any = ctypes
    kernel = library.windll.kernel32
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    return (
        {"rss": counters.peak}
        if kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
        else {}
    )


def machine() -> dict[str, Any]:
    version = ".".join(map(str, sys.version_info[:3]))
    system = f"{os.uname().sysname} {os.uname().release}" if hasattr(os, "uname") else sys.platform
    found: dict[str, Any] = {"python": version, "system": system}
    for name in ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets"):
        module = sys.modules.get(name)
        if module is not None:
            found[name] = str(getattr(module, "__version__", "?"))
    found["processors"] = processors()
    found["processor_quota"] = processor_quota()
    torch = sys.modules.get("torch")
    if torch is not None:
        found["threads"] = torch.get_num_threads()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            properties = torch.cuda.get_device_properties(torch.cuda.current_device())
            found["card"], found["card_bytes"] = properties.name, properties.total_memory
    return found


# ------------------------------------------------------------------------------------------------- findings

Finding = dict[str, Any]
# Below this share of the training's time, a cause is not worth a sentence.
WORTH = 0.05


def phases_of(training: Training, device: dict[str, float]) -> dict[str, float]:
    """Seconds of each phase in the median step; shares as in the mean of all but the first."""
    if training.steps > 1:
        phases = {name: training.sums.get(name, 0.0) / (training.steps - 1) for name in PHASES}
    else:
        phases = {name: training.first.get(name, 0.0) for name in PHASES}
    elsewhere = training.recompute_seconds_elsewhere / max(1, training.steps)
    if elsewhere and not device:  # on a thread of autograd's own, while the program waited in backward
        phases["recomputation"] += elsewhere
        phases["backward"] = max(0.0, phases["backward"] - elsewhere)
    if device:
        wall = sum(phases[name] for name in PHASES if name not in BETWEEN)
        for name in (*COMPUTING, "optimizer", "copy"):
            phases[name] = device.get(name, 0.0)
        others = sum(phases[name] for name in PHASES if name not in (*BETWEEN, "rest", "logging"))
        phases["rest"] = max(0.0, wall - others - phases["logging"])
    return scaled_to_the_median(training, phases)


def scaled_to_the_median(training: Training, phases: dict[str, float]) -> dict[str, float]:
    """The same shares of the one step time that the whole report tells."""
    mean = step_seconds(phases)
    if not mean or not training.each:
        return phases
    factor = statistics.median(training.each[1:] or training.each) / mean
    return {name: seconds * factor for name, seconds in phases.items()}


def step_seconds(phases: dict[str, float]) -> float:
    return sum(seconds for name, seconds in phases.items() if name not in BETWEEN)


def step_findings(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> list[Finding]:
    training = probe.training
    if not training.steps:
        return []
    checks = (
        padding,
        uneven_rows,
        recomputation,
        fp32_compute,
        slow_loader,
        too_often,
        host_bound,
        processor,
        swapping,
        throttling,
    )
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(probe, phases, facts)
        except Exception as error:
            probe.fail(f"check {check.__name__}", error)
    return sorted(found, key=lambda finding: -finding["gain_seconds"])


def finding(
    training: Training,
    phases: dict[str, float],
    check: str,
    saved: float,
    evidence: list[str],
    how: str | None = None,
    **values: Any,
) -> Finding:
    """A cause that costs `saved` seconds of each step, told by the sentence `how`, its own where left out."""
    now = step_seconds(phases)
    then = max(0.0, now - saved)
    return {
        "check": check,
        "sentence": sentence(how or check, now=seconds_text(now), then=seconds_text(then), **values),
        "evidence": evidence,
        "gain_seconds": saved / now * seconds_of_steps(training, now) if now else 0.0,
        "step_seconds": then,
        "same_learning": check not in ("fp32-compute", "uneven-rows"),
    }


def seconds_of_steps(training: Training, median: float) -> float:
    """What all steps took, the slow ones and the first, too."""
    measured = step_seconds(training.first) + step_seconds(training.sums)
    return measured or median * training.steps


def computing(phases: dict[str, float]) -> float:
    return sum(phases[name] for name in COMPUTING)


def padding(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    training = probe.training
    if training.computed and training.longest < training.computed:
        saved = computing(phases) * (1 - training.longest / training.computed)
        if saved > WORTH * step_seconds(phases):
            told = sentence(
                "evidence.padding", computed=training.computed, real=training.real, longest=training.longest
            )
            empty = 100 * (1 - training.real / training.computed)
            yield finding(training, phases, "padding", saved, [told], empty=empty)


def uneven_rows(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    """Padding that remains when micro-batches of rows in random order are padded to their longest row."""
    training = probe.training
    if training.computed and training.longest > 0.98 * training.computed:
        saved = computing(phases) * (1 - GROUPED * training.real / training.computed)
        if saved > 2 * WORTH * step_seconds(phases):
            told = sentence("evidence.uneven", computed=training.computed, real=training.real)
            empty = 100 * (1 - training.real / training.computed)
            yield finding(training, phases, "uneven-rows", saved, [told], empty=empty)


GROUPED = 1.06  # computed for each real token where rows are grouped by length


def recomputation(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    saved, now = phases["recomputation"], step_seconds(phases)
    if saved > WORTH * now:
        training = probe.training
        told = sentence("evidence.recomputation", calls=training.recomputed, seconds=seconds_text(saved))
        yield finding(training, phases, "recomputation", saved, [told], share=100 * saved / now)


def fp32_compute(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    training = probe.training
    if training.compute_dtype != "float32" or training.layer is None:
        return
    seen = training.multiplication = multiplication(training.layer)
    saved = computing(phases) * MULTIPLYING * (1 - seen["ratio"])
    if seen["clearly_faster"] and saved > WORTH * step_seconds(phases):
        told = sentence("evidence.compute-dtype", times=seen["times"], **sizes_text(seen))
        yield finding(training, phases, "fp32-compute", saved, [told])


MULTIPLYING = 0.7  # share of a pass that is in blocks, low rather than high
MOST_MULTIPLIED = {"cpu": 1e9, "cuda": 1e11}  # tokens × inputs × outputs of the largest measured layer
MOST_SECONDS_MEASURED = 3.0


def sizes_text(seen: dict[str, Any]) -> dict[str, str]:
    size = sentence("size", tokens=seen["tokens"], inputs=seen["inputs"], outputs=seen["outputs"])
    slow, fast = seen["float32_seconds"], seen["bfloat16_seconds"]
    best = {f"best_{name}": seconds_text(seen[f"{dtype}_shortest"]) for name, dtype in DTYPES.items()}
    return {"size": size, "slow": seconds_text(slow), "fast": seconds_text(fast), **best}


DTYPES = {"slow": "float32", "fast": "bfloat16"}


def multiplication(layer: dict[str, Any]) -> dict[str, Any]:
    """Medians of a block of the model's own size, in float32 and in bf16 by turns.

    bf16 counts as faster where three quarters of its times are below three quarters of float32's, and its
    shortest is shorter too, which other programs disturb least. Of both ratios the worse one is believed.
    """
    torch = sys.modules["torch"]
    inputs, outputs, device = layer["inputs"], layer["outputs"], layer["device"]
    most = int(MOST_MULTIPLIED.get(device, 1e9) / (inputs * outputs))
    tokens = max(1, min(layer["tokens"], most))
    times: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    sizes = {"gate": (outputs, inputs), "up": (outputs, inputs), "down": (inputs, outputs)}
    sizes.update(dict.fromkeys(("query", "key", "value", "output"), (inputs, inputs)))
    weights = {name: torch.randn(*size, device=device).div_(size[1]) for name, size in sizes.items()}
    for weight in weights.values():
        weight.requires_grad_(layer["trained"])
    length = min(tokens, layer["length"])
    tokens -= tokens % length
    rows = torch.randn(tokens // length, length, inputs, device=device, requires_grad=True)
    began = time.perf_counter()
    for turn in range(TURNS):
        for name, taken in times.items():
            seconds = block_seconds(torch, rows, weights, name, device)
            if turn:  # the first warms up
                taken.append(seconds)
        if turn >= 2 and time.perf_counter() - began > MOST_SECONDS_MEASURED:
            break
    slow, fast = (sorted(taken) for taken in times.values())
    quarter = len(slow) // 4
    ratio = max(statistics.median(fast) / statistics.median(slow), fast[0] / slow[0])
    return {
        "tokens": tokens, "inputs": inputs, "outputs": outputs, "times": len(slow),
        "float32_seconds": statistics.median(slow), "bfloat16_seconds": statistics.median(fast),
        "float32_shortest": slow[0], "bfloat16_shortest": fast[0],
        "ratio": ratio, "clearly_faster": fast[-1 - quarter] < slow[quarter] and ratio < CLEARLY,
    }  # fmt: skip


TURNS = 31
CLEARLY = 0.8  # a ratio nearer to 1 has been seen of steps that bf16 did not shorten


def block_seconds(torch: Any, rows: Any, weights: dict[str, Any], name: str, device: str) -> float:
    """A block as decoders have them, forward and backward, with all the casts that bf16=True brings."""
    leaves = [rows, *(weight for weight in weights.values() if weight.requires_grad)]
    began = time.perf_counter()
    with torch.autocast(device, dtype=torch.bfloat16, enabled=name == "bfloat16"):
        output = block(torch.nn.functional, rows, weights)
    gradients = torch.autograd.grad(output, leaves, torch.ones_like(output))
    float(gradients[-1].reshape(-1)[0])  # waits for a card
    return time.perf_counter() - began


def block(nn: Any, rows: Any, weights: dict[str, Any]) -> Any:
    """(batch, length, size) → the same, through attention and a gated feed-forward layer."""
    batch, length, size = rows.shape
    of_a_head = 64 if size % 64 == 0 else size
    inner = root_mean_square(rows)
    heads = [
        nn.linear(inner, weights[name]).view(batch, length, -1, of_a_head).transpose(1, 2)
        for name in ("query", "key", "value")
    ]
    seen = nn.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).reshape(rows.shape)
    rows = rows + nn.linear(seen, weights["output"])
    inner = root_mean_square(rows)
    inner = nn.silu(nn.linear(inner, weights["gate"])) * nn.linear(inner, weights["up"])
    return rows + nn.linear(inner, weights["down"])


def root_mean_square(rows: Any) -> Any:
    wide = rows.float()
    return (wide * (wide.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt()).to(rows.dtype)


def slow_loader(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    saved, training = phases["data"] + phases["collating"], probe.training
    if saved > 2 * WORTH * step_seconds(phases):
        told = sentence(
            "evidence.data", data=seconds_text(phases["data"]), collating=seconds_text(phases["collating"])
        )
        workers = training.settings.get("dataloader_num_workers") or 0
        values = {"wait": seconds_text(saved), "workers": workers}
        if workers:
            values["cores"] = facts["machine"]["processors"]
        how = "slow-workers" if workers else "slow-data-loader"
        yield finding(training, phases, "slow-data-loader", saved, [told], how, **values)


def too_often(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    training = probe.training
    for region, check in (
        ("evaluation", "evaluation-too-often"),
        ("saving", "saving-too-often"),
        ("logging", "logging-too-slow"),
    ):
        spent, times = training.totals.get(region, 0.0), training.times[region]
        saved = spent if region == "logging" else spent * (1 - 1 / max(1, times))  # once remains
        if saved > 2 * WORTH * training.seconds:
            yield {
                "check": check,
                "sentence": sentence(
                    check, share=100 * spent / training.seconds, times=times,
                    now=seconds_text(training.seconds), then=seconds_text(training.seconds - saved),
                ),
                "evidence": [sentence("evidence.interval", seconds=seconds_text(spent / max(1, times)))],
                "gain_seconds": saved,
                "step_seconds": None,
                "same_learning": True,
            }  # fmt: skip


def host_bound(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    """Only with a card: the host is late where it never waits for the card, which it gives work."""
    training, now = probe.training, step_seconds(phases)
    if not probe.device.steps or training.steps < 2:
        return
    factor = now / (step_seconds(training.sums) or 1.0)  # seconds of all steps to those of the median one
    host = factor * sum(training.sums.get(name, 0.0) for name in (*COMPUTING, "optimizer"))
    wait = factor * training.sums.get("rest", 0.0)
    if host > 0.9 * now and facts["rows_at_once"] and facts["accumulation"] > 1:
        # Half of it, since larger micro-batches take longer, too.
        saved = 0.5 * host * (1 - 1 / facts["accumulation"])
        told = sentence("evidence.host", host=seconds_text(host), wait=seconds_text(wait))
        yield finding(training, phases, "host-bound", saved, [told], share=100 * host / now)


def processor(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    """Waiting for a processor: because of a limit, of more threads than processors, or of other programs."""
    training, seen = probe.training, probe.training.processor
    wait, run = max(0.0, seen.get("wait_seconds", 0.0)), seen.get("cpu_seconds", 0.0)
    wanted = max(training.seconds, wait + run)  # wall time × the threads that want to run, one at least
    if not run or wait < 0.1 * wanted:
        return
    share = wait / wanted
    others = max(0.0, seen.get("machine_seconds", 0.0) - run - seen.get("children_seconds", 0.0))
    told = sentence(
        "evidence.waiting", wall=seconds_text(training.seconds), wait=seconds_text(wait),
        run=seconds_text(run), others=seconds_text(others),
    )  # fmt: skip
    periods, throttled = seen.get("nr_periods", 0.0), seen.get("nr_throttled", 0.0)
    threads, cores = facts["machine"].get("threads", 1), facts["machine"]["processors"]
    saved = share * step_seconds(phases)
    if periods and throttled > 0.1 * periods:
        told = sentence("evidence.throttled", throttled=int(throttled), periods=int(periods))
        limit = f"{facts['machine']['processor_quota'] or 0:.2g} of {cores}"
        yield finding(training, phases, "processor-limit", saved, [told], share=100 * share, limit=limit)
    elif threads > cores:
        yield finding(
            training,
            phases,
            "too-many-threads",
            saved,
            [told],
            share=100 * share,
            threads=threads,
            cores=cores,
        )
    elif others > 0.1 * cores * training.seconds:
        yield finding(training, phases, "neighbours", saved, [told], share=100 * share)


def swapping(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    swapped = probe.training.processor.get("swapped_bytes", 0.0)
    if swapped > 64e6:
        saved = min(0.9 * step_seconds(phases), swapped / SWAP_BYTES_PER_SECOND / probe.training.steps)
        yield finding(probe.training, phases, "swap", saved, [], amount=bytes_text(swapped))


SWAP_BYTES_PER_SECOND = 500e6  # of a usual disk


def throttling(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> Iterable[Finding]:
    seen = probe.card.summary() if probe.card is not None else {}
    first, last = seen.get("sm_mhz_first", 0.0), seen.get("sm_mhz_last", 0.0)
    if seen.get("samples", 0) >= 10 and last < 0.85 * first:
        reason = (
            "heat" if seen["throttle_reasons"] & 0x60 else "power" if seen["throttle_reasons"] & 0x84 else "?"
        )
        saved = computing(phases) * (1 - last / first)
        yield finding(probe.training, phases, "throttled", saved, [], first=first, last=last, reason=reason)


def load_findings(probe: Probe, seconds: float) -> list[Finding]:
    """What makes the load slow; `seconds` is what it took in all."""
    load, found = probe.load, []
    size = sum(file["bytes"] for file in load.files.values())
    pickled = [file for file in load.files.values() if file["format"] == "pickle"]

    def add(check: str, gain: float, evidence: list[str], **values: Any) -> None:
        found.append({
            "check": check, "sentence": sentence(check, **values), "evidence": evidence, "gain_seconds": gain,
            "step_seconds": None, "same_learning": True,
        })  # fmt: skip

    if load.quantized_at_load and load.quantize_seconds > WORTH * seconds:
        then = max(0.0, seconds - load.quantize_seconds)
        version = str(getattr(sys.modules.get("transformers"), "__version__", "4"))
        parallel = len(load.files) > 1 and not version.startswith("4.")  # version 5 reads in four threads
        told = [sentence("evidence.threads-one")] if parallel else []
        add("quantizing-at-load", load.quantize_seconds, told, seconds=seconds_text(load.quantize_seconds),
            now=seconds_text(seconds), then=seconds_text(then))  # fmt: skip
    reading = max(1e-9, seconds - load.quantize_seconds - load.import_seconds)
    if load.disk_bytes and load.disk_bytes > 0.5 * size and size / reading < 500e6 and size > 100e6:
        told = [sentence("evidence.from-disk", amount=bytes_text(load.disk_bytes), all=bytes_text(size))]
        add(
            "slow-reading",
            reading * 0.5,
            told,
            rate=bytes_text(size / reading),
            seconds=seconds_text(reading),
        )
    if pickled:
        add(
            "pickle-weights",
            0.0,
            [files_text(pickled)],
            files=", ".join(os.path.basename(f["path"]) for f in pickled[:3]),
        )
    return sorted(found, key=lambda one: -one["gain_seconds"])


# --------------------------------------------------------------------------------------------------- report


def sentence(which: str, /, **values: Any) -> str:
    return SENTENCES[which].format(**values)


def seconds_text(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 120:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def bytes_text(amount: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if amount >= size:
            return f"{amount / size:.3g} {unit}"
    return f"{amount:.0f} B"


def files_text(files: list[dict[str, Any]]) -> str:
    """How many files of one format, and how large."""
    amount, kind = bytes_text(sum(file["bytes"] for file in files)), files[0]["format"]
    if len(files) == 1:
        return sentence("evidence.one-file", format=kind, amount=amount)
    return sentence("evidence.files", files=len(files), format=kind, amount=amount)


def report(probe: Probe) -> dict[str, Any]:
    """All that was seen, in the shape of `FIELDS`."""
    began = time.perf_counter()
    if probe.training.began is not None:
        end_training(probe)  # the program ended in the middle of it
    totals = probe.clock.read()
    facts: dict[str, Any] = {"machine": attempt(probe, "report machine", machine, {})}
    training = attempt(probe, "report training", lambda: training_report(probe, facts), None)
    seconds = totals.get("model_load", 0.0)
    load = attempt(probe, "report load", lambda: load_report(probe, seconds), NO_LOAD)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": load["verdict"] if training is None else training["verdict"],
        "program": {
            "arguments": probe.arguments,
            "seconds": sum(totals.values()),
            "outcome": probe.outcome,
        },
        "machine": facts["machine"],
        "stages": stages_of(probe, totals),
        "load": load,
        "opened": probe.opened,
        "training": training,
        "memory": attempt(probe, "report memory", peak_memory, {}),
        "probe": {
            "calls": probe.calls,
            "cost_seconds": probe.calls * seconds_per_call(),
            "failures": [{"hook": hook, "error": error} for hook, error in probe.failures.items()],
            "absent": [hook.name for hook in HOOKS if hook.missing and not hook.installed],
        },
    }
    found["probe"]["report_seconds"] = time.perf_counter() - began
    return found


NO_LOAD: dict[str, Any] = {
    "verdict": SENTENCES["no-load"], "seconds": 0.0, "files": [], "bytes": 0, "disk_bytes": None,
    "quantize_seconds": 0.0, "import_seconds": 0.0, "findings": [],
}  # fmt: skip


def stages_of(probe: Probe, totals: dict[str, float]) -> dict[str, float]:
    """Seconds by stage; the parts of a step are the stage `training`, but for what has its own name."""
    stages = {name: totals.get(name, 0.0) for name in STAGES}
    in_training = sum(totals.get(name, 0.0) for name in PHASES if name not in STAGES)
    trained = probe.training.steps or probe.training.trainer_ran
    stages["training" if trained else "own_code"] += in_training  # rows were read, but not to train
    return stages


def seconds_per_call() -> float:
    """What a hook costs: a thousand calls of an empty function with one, less as many without."""
    clock = Clock()
    probe = Probe.__new__(Probe)
    probe.silent, probe.calls, probe.clock = False, 0, clock

    def nothing() -> None:
        return None

    def around(probe: Probe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Watching:
        depth = probe.clock.enter("data")
        yield
        probe.clock.leave(depth)

    watched = Hook(("-",), "-", around).wrapped(nothing, probe)
    times = []
    for function in (nothing, watched):
        began = time.perf_counter()
        for _ in range(1000):
            function()
        times.append(time.perf_counter() - began)
    return max(0.0, times[1] - times[0]) / 1000


def training_report(probe: Probe, facts: dict[str, Any]) -> dict[str, Any] | None:
    training = probe.training
    if not training.steps:
        return None
    device = probe.device.means()
    phases = phases_of(training, device)
    settings = training.settings
    facts["rows_at_once"] = settings.get("per_device_train_batch_size")
    facts["accumulation"] = settings.get("gradient_accumulation_steps") or 1
    findings = step_findings(probe, phases, facts)
    now = step_seconds(phases)
    percent = 100 * computing(phases) / now if now else 0.0
    later = training.each[1:] or training.each
    return {
        "verdict": findings[0]["sentence"]
        if findings
        else sentence("nothing-slow", now=seconds_text(now), percent=percent),
        "steps": training.steps,
        "planned_steps": training.planned_steps,
        "seconds": training.seconds,
        "step_seconds": {
            "median": statistics.median(later),
            "mean": statistics.mean(later),
            "first": training.each[0],
            "each": training.each,
        },
        "phases": {name: seconds for name, seconds in phases.items() if name not in BETWEEN},
        "device_phases": device,
        "between_steps": {
            name: {"seconds": training.totals.get(name, 0.0), "times": times}
            for name, times in training.times.items()
        },
        "tokens": {
            "real": training.real,
            "computed": training.computed,
            "longest": training.longest,
            "rows": training.rows,
            "micro_batches": training.micro_batches,
            "micro_batches_not_told": training.unknown,
        },
        "settings": {**settings, **training.model},
        "compute_dtype": training.compute_dtype,
        "multiplication": training.multiplication,
        "recomputed_segments": training.recomputed,
        "processor": {
            "threads": facts["machine"].get("threads"),
            "processors": facts["machine"]["processors"],
            **training.processor,
        },
        "card": probe.card.summary() if probe.card is not None else None,
        "findings": findings,
    }


def load_report(probe: Probe, seconds: float) -> dict[str, Any]:
    load = probe.load
    findings = load_findings(probe, seconds) if load.count else []
    size = sum(file["bytes"] for file in load.files.values())
    if findings:
        verdict = findings[0]["sentence"]
    elif load.count and load.import_seconds > 0.5 * seconds:
        rest = seconds_text(max(0.0, seconds - load.import_seconds))
        verdict = sentence(
            "load-imports", imports=seconds_text(load.import_seconds), now=seconds_text(seconds),
            amount=bytes_text(size), rest=rest,
        )  # fmt: skip
    elif load.count:
        verdict = sentence("load-healthy", now=seconds_text(seconds), amount=bytes_text(size))
    else:
        verdict = sentence("no-load")
    return {
        "verdict": verdict,
        "seconds": seconds,
        "files": list(load.files.values()),
        "bytes": size,
        "disk_bytes": load.disk_bytes,
        "quantize_seconds": load.quantize_seconds,
        "import_seconds": load.import_seconds,
        "findings": findings,
    }


def text_of(found: dict[str, Any], probe: Probe) -> str:
    """The report as lines for a terminal: the first finding first."""
    program = program_text(probe.arguments)
    seconds = seconds_text(found["program"]["seconds"])
    lines = ["", sentence("title", program=program, seconds=seconds, outcome=probe.outcome)]
    versions = [f"{name} {found['machine'][name]}" for name in VERSIONS if name in found["machine"]]
    lines += [", ".join(versions), ""]
    lines += [*step_lines(found, probe), "", *load_lines(found), "", *stage_lines(found)]
    lines += trouble_lines(found, probe)
    return "\n".join(lines)


MOST_CHARACTERS = 80


def program_text(arguments: list[str]) -> str:
    """The program's words on one line; what is too long ends with a mark that there is more."""
    text = " ".join(" ".join(arguments).split())
    return text if len(text) <= MOST_CHARACTERS else sentence("cut", text=text[:MOST_CHARACTERS].rstrip())


LAUNCHERS = ("accelerate", "torchrun", "deepspeed")


def launches(arguments: list[str]) -> bool:
    """Whether the program is one that only starts others, which train."""
    name = arguments[1] if arguments[:1] == ["-m"] and len(arguments) > 1 else os.path.basename(arguments[0])
    return name in LAUNCHERS or name.startswith(("accelerate.commands.", "torch.distributed."))


VERSIONS = ("python", "torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes")


def step_lines(found: dict[str, Any], probe: Probe) -> list[str]:
    lines = [sentence("head.step")]
    training = found["training"]
    if training is None:
        lines.append("  " + sentence("no-whole-step" if probe.training.trainer_ran else "no-training"))
        if probe.started_processes:
            lines.append("  " + sentence("launcher" if launches(probe.arguments) else "children"))
        return lines
    lines += ranked(training["findings"], training["verdict"])
    tokens, settings = training["tokens"], training["settings"]
    values = {
        "median": median_text(training),
        "rows": facts_of_batch(training)[0],
        "accumulation": facts_of_batch(training)[1],
    }
    if tokens["computed"]:
        of_a_step = facts_of_batch(training)[1] / max(1, tokens["micro_batches"])
        values.update({name: round(tokens[name] * of_a_step) for name in ("computed", "real")})
    lines.append("  " + sentence("step" if tokens["computed"] else "step-without-tokens", **values))
    lines += bars(training["phases"])
    if training["findings"] and training["findings"][0]["step_seconds"] is not None:
        now, gain = training["seconds"], training["findings"][0]["gain_seconds"]
        run = {"now": seconds_text(now), "then": seconds_text(max(0.0, now - gain))}
        lines.append("  " + sentence("whole-run", steps=steps_text(training), **run))
    between = {name: part["seconds"] for name, part in training["between_steps"].items() if name in BETWEEN}
    if any(between.values()):
        lines.append("  " + sentence("between-steps"))
        lines += bars(between, training["seconds"])
    told = [
        f"{name}={value}"
        for name, value in settings.items()
        if value not in (None, False, "no") and name in TOLD
    ]
    seen = training["multiplication"]
    if seen and not seen["clearly_faster"]:
        lines.append("  " + sentence("bf16-not-faster", **sizes_text(seen)))
    told += [f"compute={training['compute_dtype']}"] if training["compute_dtype"] else []
    lines += ["  " + sentence("settings", settings=", ".join(told))] if told else []
    memory = found["memory"]
    parts = [sentence("memory.rss", amount=bytes_text(memory["rss"]))] if "rss" in memory else []
    if "card_allocated" in memory:
        amounts = {
            "amount": bytes_text(memory["card_allocated"]),
            "reserved": bytes_text(memory["card_reserved"]),
        }
        parts.append(sentence("memory.card", **amounts))
    return [*lines, "  " + sentence("memory", parts=", ".join(parts))]


def median_text(training: dict[str, Any]) -> str:
    """The step time of the report, and of which steps it is."""
    steps, median = training["steps"], seconds_text(training["step_seconds"]["median"])
    if steps > 2:
        return sentence("median-step", median=median, steps=steps - 1)
    return sentence("only-step" if steps == 1 else "second-step", median=median)


def steps_text(training: dict[str, Any]) -> str:
    """How many steps were taken, of how many."""
    steps, planned = training["steps"], training["planned_steps"] or 0
    if steps < planned:
        return sentence("some-steps", steps=steps, planned=planned)
    return sentence("one-step") if steps == 1 else sentence("all-steps", steps=steps)


def facts_of_batch(training: dict[str, Any]) -> tuple[Any, Any]:
    """(rows at once, micro-batches per step): as set, or as seen in a loop without settings."""
    settings, tokens = training["settings"], training["tokens"]
    rows = round(tokens["rows"] / tokens["micro_batches"]) if tokens["micro_batches"] else "?"
    micro_batches = (tokens["micro_batches"] + tokens["micro_batches_not_told"]) / training["steps"]
    set_rows = settings.get("per_device_train_batch_size", rows)
    return set_rows, settings.get("gradient_accumulation_steps", round(micro_batches))


TOLD = (
    "per_device_train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing",
    "activation_checkpointing", "bf16", "fp16", "optim", "dataloader_num_workers", "dataloader_pin_memory",
    "group_by_length", "train_sampling_strategy", "max_length", "packing",
)  # fmt: skip


def ranked(findings: list[Finding], verdict: str) -> list[str]:
    if not findings:
        return ["  " + verdict]
    lines = []
    for number, one in enumerate(findings, 1):
        lines.append("  " + sentence("rank", number=number, verdict=one["sentence"]))
        lines += [f"     - {evidence}" for evidence in one["evidence"]]
    return lines


def bars(parts: dict[str, float], whole: float | None = None) -> list[str]:
    whole = whole or sum(parts.values()) or 1.0
    lines = []
    for name, seconds in parts.items():
        if seconds > 0:
            bar = "#" * round(30 * seconds / whole)
            share = f"{100 * seconds / whole:5.1f} %"
            lines.append(
                f"    {name.replace('_', ' '):17} {seconds_text(seconds):>9} {share}  {bar}".rstrip()
            )
    return lines


def load_lines(found: dict[str, Any]) -> list[str]:
    load = found["load"]
    lines = [sentence("head.load"), *ranked(load["findings"], load["verdict"])]
    kinds = sorted({file["format"] for file in load["files"]})
    for kind in kinds:
        files = [file for file in load["files"] if file["format"] == kind]
        lines.append("  " + files_text(files))
    each = [seconds_text(file["seconds"]) for file in load["files"] if file["seconds"] is not None]
    parts = {name: load[f"{name}_seconds"] for name in ("import", "quantize")}
    parts["read_and_rest"] = max(0.0, load["seconds"] - sum(parts.values()))
    lines += bars(parts) if load["seconds"] else []
    if len(each) > 1:
        lines.append("  " + sentence("load.shards", seconds=", ".join(each[:8])))
    return lines


def stage_lines(found: dict[str, Any]) -> list[str]:
    rest = sentence("outside", seconds=seconds_text(found["probe"]["report_seconds"]))
    return [sentence("head.stages"), *bars(found["stages"], found["program"]["seconds"]), "  " + rest]


def trouble_lines(found: dict[str, Any], probe: Probe) -> list[str]:
    seen = found["probe"]
    whole = (found["training"] or found["program"])["seconds"] or 1.0
    percent = 100 * seen["cost_seconds"] / whole
    lines = ["  " + sentence("cost", seconds=seconds_text(seen["cost_seconds"]), percent=percent)]
    if seen["failures"]:
        lines += ["", sentence("head.troubles")]
        hooks = {hook.name for hook in HOOKS}
        for one in seen["failures"]:
            if one["hook"] in hooks:
                lines.append("  " + sentence("trouble", hook=one["hook"], error=one["error"]))
            else:
                lines.append("  " + sentence("trouble-in-part", part=one["hook"], error=one["error"]))
    return lines


def tell(probe: Probe) -> None:
    """At the program's end: the report, to stderr and as a file. Whatever fails here is told in one line."""
    if probe.pid != os.getpid() or probe.silent:
        return
    probe.silent = True
    try:
        probe.clock.on_change = None
        found = report(probe)
        written = write(found, probe)
        show(text_of(found, probe) + "\n" + written)
    except Exception as error:
        show(sentence("trouble-in-report", error=f"{type(error).__name__}: {error}"))


def show(text: str) -> None:
    """On stderr, in what characters it has; nowhere if there is none."""
    stream = sys.stderr
    if stream is None or stream.closed:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def write(found: dict[str, Any], probe: Probe) -> str:
    path = probe.json_path or Path(time.strftime("tunedock-explain-%Y%m%d-%H%M%S.json"))
    try:
        path.write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")
        return sentence("written", path=path.resolve())
    except OSError as error:
        return sentence("not-written", path=path, error=error.strerror)


# ------------------------------------------------------------------------------------------ running a program


def be_silent_in_children(probe: Probe) -> None:
    def silence() -> None:
        probe.silent = True

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=silence)


def own_words(words: list[str], probe: Probe) -> list[str]:
    """Take the probe's own options off the front; raises SystemExit for wrong usage."""
    while words and words[0].startswith("--"):
        option, _, value = words[0].partition("=")
        if option == "--help":
            print(sentence("usage"))
            raise SystemExit(0)
        if option != "--json":
            raise SystemExit(wrong(sentence("no-option", option=option)))
        if not value:
            if len(words) < 2:
                raise SystemExit(wrong(sentence("no-file-name")))
            value = words.pop(1)
        probe.json_path = Path(value).absolute()
        words = words[1:]
    if not words:
        raise SystemExit(wrong(sentence("no-program")))
    if words[0][:2] in ("-m", "-c") and len(words[0]) > 2:
        return [words[0][:2], words[0][2:], *words[1:]]
    return words


def wrong(told: str) -> int:
    print(told, file=sys.stderr)
    return 2


def run(words: list[str]) -> None:
    """Become the program: its words, its `__main__`, its place in sys.path. What it raises goes on."""
    own_path = not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated
    module = types.ModuleType("__main__")
    sys.modules["tunedock_probe"] = sys.modules["__main__"]
    sys.modules["__main__"] = module
    space = vars(module)
    space["__builtins__"] = __builtins__
    if sys.version_info < (3, 14):
        space["__annotations__"] = {}
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv)] + words
    if words[0] == "-m" and len(words) > 1:
        sys.argv = words[1:]
        if own_path:
            sys.path[0] = str(Path.cwd())
        runpy._run_module_as_main(words[1])  # type: ignore[attr-defined]
    elif words[0] == "-c" and len(words) > 1:
        sys.argv = ["-c", *words[2:]]
        if own_path:
            sys.path[0] = ""
        exec(compile(words[1] + "\n", "<string>", "exec", dont_inherit=True), space)
    elif words[0] == "-":
        sys.argv = words
        if own_path:
            sys.path[0] = ""
        space.update(__file__="<stdin>", __cached__=None, __loader__=BuiltinImporter)
        exec(compile(sys.stdin.buffer.read(), "<stdin>", "exec", dont_inherit=True), space)
    else:
        run_script(words, space, own_path=own_path)


def run_script(words: list[str], space: dict[str, Any], *, own_path: bool) -> None:
    sys.argv = words
    script = os.path.abspath(words[0])
    if os.path.isdir(script) or (not script.endswith((".py", ".pyw")) and is_archive(script)):
        sys.path.pop(0) if own_path else None
        runpy.run_path(script, run_name="__main__")
        return
    try:
        with io.open_code(script) as file:
            source = file.read()
    except OSError as error:
        raise SystemExit(wrong(sentence("no-script", script=words[0], error=error.strerror))) from None
    if own_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    space.update(__file__=script, __cached__=None, __loader__=SourceFileLoader("__main__", script))
    exec(compile(source, script, "exec", dont_inherit=True), space)


def is_archive(path: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(path)


def leave_us_out() -> None:
    """The traceback that Python prints has the program's frames alone, as it does without the probe."""
    show = sys.excepthook

    def shown(kind: Any, value: Any, trace: Any) -> None:
        try:
            seen: list[BaseException] = []
            trim(value, seen)
            trace = value.__traceback__
        finally:
            show(kind, value, trace)

    sys.excepthook = shown


def trim(error: BaseException | None, seen: list[BaseException]) -> None:
    """Take our frames out of an error's traceback, and out of those of its causes.

    Python leaves its import machinery out of a traceback, but not on both sides of a frame of ours.
    """
    if error is None or error in seen:
        return
    seen.append(error)
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    names = [frame.tb_frame.f_code.co_filename for frame in frames]
    ours = main.__code__.co_filename
    kept = None
    for frame, name in zip(reversed(frames), reversed(names)):
        if name != ours and not (name.startswith("<frozen importlib") and ours in names):
            frame.tb_next = kept
            kept = frame
    error.__traceback__ = kept
    trim(error.__cause__, seen)
    trim(error.__context__, seen)


def exit_status(code: Any) -> int:
    """What the system gets of `sys.exit(code)`: 1 for a text, which Python prints, and for other objects."""
    if code is None:
        return 0
    if not isinstance(code, int):
        return 1
    return int(code) if os.name == "nt" else int(code) & 0xFF


def main() -> None:
    probe = Probe()
    words = own_words(sys.argv[1:], probe)
    probe.arguments = words
    if int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0):
        probe.silent = True  # of several processes that train together, the first one tells
    try:
        atexit.register(tell, probe)
        be_silent_in_children(probe)
        listen_to_opened_files(probe)
        ImportWatcher(probe).start()
    except Exception as error:
        probe.fail("start", error)
    probe.clock = Clock()
    probe.began = time.perf_counter()
    try:
        run(words)
    except SystemExit as error:
        if status := exit_status(error.code):
            probe.outcome = sentence("ended-status", status=status)
        raise
    except BaseException as error:
        probe.outcome = sentence("ended-error", error=type(error).__name__)
        leave_us_out()
        raise


if __name__ == "__main__":
    main()
