"""The whole service on one machine: store, API and worker, supervised until told to stop."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from services.cli.address import api_url
from services.cli.answering import Answering
from services.cli.failure import CommandFailed
from services.cli.interrupts import Interrupts, counted_interrupts
from services.cli.log_lines import terminal_line
from services.cli.outcome.lines import Said, pairs
from services.cli.ports import require_free
from services.cli.process import ProcessSpec, SupervisedProcess
from services.cli.restore import require_no_restore_under_way
from services.cli.server import answers, key_path, missing_for_readiness, read_key
from services.cli.stack_note import StackNote, disk_trouble
from services.cli.stack_state import StackState, own_folder, process_start, remove_state
from services.cli.store import prepare_store
from services.cli.store_watch import StoreWatch
from services.cli.supervisor import POLL_SECONDS, Supervisor
from services.cli.terminal import Terminal, Waiting
from services.cli.worker_sign import MARGIN_SECONDS, WorkerSign
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.private_files import keep_private, usual_umask
from shared.settings import PROJECT_ROOT, Settings

WORKER_STOP_SECONDS = 120.0  # a step and a checkpoint
API_STOP_SECONDS = 35.0  # gunicorn's graceful timeout and a little
STORE_STOP_SECONDS = 30.0
DEATHS_BEFORE_READY = 4
READY_PROBE_SECONDS = 0.5

API_COMMAND = (
    sys.executable,
    "-m",
    "gunicorn",
    "-c",
    "services/api/gunicorn.conf.py",
    "services.api.asgi:app",
)
WORKER_COMMAND = (sys.executable, "-m", "services.worker")


def run_stack(settings: Settings, terminal: Terminal) -> None:
    """Run until Ctrl-C or SIGTERM. Raises `CommandFailed` when it can't start."""
    with own_folder(settings.data_dir, terminal.note) as lock, counted_interrupts() as interrupts:
        _require_ports(settings)
        require_no_restore_under_way(settings.data_dir)
        try:
            keep_private(settings.data_dir, terminal.note)
            store = None
            if not settings.store_url:
                store = StoreWatch(prepare_store(settings.data_dir), settings.data_dir, terminal)
                store.require_whole_log()
            stack = Stack(settings, store, terminal, interrupts, lock)
        except OSError as error:
            raise CommandFailed(disk_trouble(settings, error), say("make-room-then-up")) from error
        stack.run()


class Stack:
    """One run of the stack, from start over ready to the last process gone."""

    def __init__(
        self,
        settings: Settings,
        store: StoreWatch | None,
        terminal: Terminal,
        interrupts: Interrupts,
        lock: int,
    ) -> None:
        self._settings = settings
        self._store = store
        self._terminal = terminal
        self._interrupts = interrupts
        self._ready = False
        self._note = StackNote(settings, terminal)
        self._key_is_new = not key_path(settings).exists()
        logs = settings.data_dir / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        self._supervisor = Supervisor(
            [
                SupervisedProcess(spec, logs / f"{spec.name}.log", self._show_line)
                for spec in process_specs(store, lock)
            ],
            self._tell_death,
        )
        self._answering = self._probes()

    def _probes(self) -> list[Answering]:
        settings, processes, hang_seconds = (
            self._settings,
            self._supervisor.processes,
            self._settings.hang_seconds,
        )
        worker = WorkerSign(
            settings.data_dir, settings.worker_host, lambda: processes["worker"].pid, hang_seconds
        )
        probes: dict[str, tuple[Callable[[], bool], float]] = {
            "api": (lambda: answers(api_url(settings)), hang_seconds),
            "worker": (worker, hang_seconds + MARGIN_SECONDS),
        }
        if self._store:
            probes["store"] = self._store.store.speaks, hang_seconds
        return [
            Answering(processes[name], gives_sign, seconds, lambda news: self._terminal.note(told(news)))
            for name, (gives_sign, seconds) in probes.items()
        ]

    def run(self) -> None:
        try:
            self._start()
            while not self._interrupts.count:
                self._tick()
        finally:
            self._stop()

    def _start(self) -> None:
        """Start the store, then the rest; return when the API says ready, or a stop was asked for."""
        with self._terminal.waiting(say("starting-store-row")) as waiting:
            if self._store:
                self._supervisor.start("store")
                self._until(self._store.answers)
            for name in ("api", "worker"):
                self._supervisor.start(name)
            self._note_state()
            self._until(lambda: self._is_ready(waiting))
        if not self._interrupts.count:
            self._ready = True
            for part in self._answering:
                part.start()
            self._note_state()
            self._tell_ready()

    def _is_ready(self, waiting: Waiting) -> bool:
        missing = missing_for_readiness(api_url(self._settings))
        if missing:
            waiting.update(say("starting-services-row", reason=missing))
        return missing is None

    def _until(self, reached: Callable[[], bool]) -> None:
        next_probe = 0.0
        while not self._interrupts.count:
            self._tick()
            self._give_up_on_deaths()
            if time.monotonic() >= next_probe:
                if reached():
                    return
                next_probe = time.monotonic() + READY_PROBE_SECONDS

    def _tick(self) -> None:
        if self._supervisor.tick() or self._note.is_due:
            self._note_state()
        if self._ready and self._store:
            self._store.tick(self._supervisor.processes["store"])
        time.sleep(POLL_SECONDS)

    def _give_up_on_deaths(self) -> None:
        """Before the stack was ever ready, a process that keeps dying is a fault to report."""
        for name, process in self._supervisor.processes.items():
            if process.backoff.deaths_in_a_row >= DEATHS_BEFORE_READY:
                raise CommandFailed(
                    say(
                        "process-keeps-ending",
                        process=name,
                        times=DEATHS_BEFORE_READY,
                        ending=_ending(process.exit_code),
                        lines="\n".join(f"  {line}" for line in process.tail),
                    ),
                    say("its-output-is-in", file=process.log_path),
                )

    def _stop(self) -> None:
        if self._ready:
            for part in self._answering:
                part.stop()
        asked_first = min(1, self._interrupts.count)
        with self._terminal.waiting(say("stopping-row")) as waiting:
            self._supervisor.stop(waiting.update, hurry=lambda: self._interrupts.count > asked_first)
        if self._store:
            self._store.seal()
        remove_state(self._settings.data_dir)
        self._terminal.emit({"event": "stopped"})
        self._terminal.say(say("stopped-row"))

    def _note_state(self) -> None:
        """Tell other commands."""
        processes = self._supervisor.processes
        has_room_again = self._note.write(
            StackState(
                pid=os.getpid(),
                pid_start=process_start(os.getpid()),
                url=api_url(self._settings),
                ready=self._ready,
                processes={name: process.pid for name, process in processes.items() if process.pid},
                restarts={name: process.restarts for name, process in processes.items()},
            )
        )
        if has_room_again:
            for process in processes.values():
                process.wait_no_longer()

    def _tell_ready(self) -> None:
        url, key = api_url(self._settings), key_path(self._settings)
        self._terminal.emit({"event": "ready", "url": url, "key_file": str(key), "pid": os.getpid()})
        new_key = read_key(key) if self._key_is_new and self._terminal.is_live else None
        for line in ready_lines(url, key, self._settings.data_dir, new_key):
            self._terminal.say(line)

    def _tell_death(self, process: SupervisedProcess) -> None:
        name, seconds = process.spec.name, process.backoff.wait_seconds
        self._terminal.emit(
            {
                "event": "died",
                "process": name,
                "exit_code": process.exit_code,
                "restart_in_seconds": seconds,
            }
        )
        ending = _ending(process.exit_code)
        again = say("process-ended", process=name, ending=ending, wait_seconds=seconds)
        at_once = say("process-ended-starts-at-once", process=name, ending=ending)
        self._terminal.note(again if seconds else at_once)

    def _show_line(self, name: str, line: str) -> None:
        """One line of a process's output, shortened; the log has all of it."""
        try:
            if text := terminal_line(name, line):
                self._terminal.note(text)
        except OSError:
            return  # the terminal is gone; the log goes on


def ready_lines(url: str, key_file: Path, data_dir: Path, new_key: str | None) -> list[str]:
    """What a person reads once the stack is ready. A new key is a line of its own, to be copied whole."""
    files: list[tuple[Said, Said]] = [
        (say("api-key-label"), say("key-file-row", file=str(key_file))),
        (say("data-label"), str(data_dir)),
    ]
    return [
        told(say("stack-is-ready-row", address=url)),
        *pairs(files),
        *([f"  {told(say('key-is-new-row'))}", new_key] if new_key else []),
        f"  {told(say('ctrl-c-stops-row'))}",
    ]


def process_specs(watch: StoreWatch | None, lock: int) -> list[ProcessSpec]:
    """Store (when embedded), API and worker; the store's password reaches them by environment only."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "PYTHONUNBUFFERED": "1"}
    specs = []
    if watch:
        store = watch.store
        spec = _spec("store", store.command, environment, STORE_STOP_SECONDS, lock)
        specs.append(replace(spec, before_start=watch.before_start))
        environment = environment | {"TUNEDOCK_STORE_URL": store.access.url}
    specs.append(_spec("api", API_COMMAND, environment, API_STOP_SECONDS, lock))
    # Without the supervisor the store goes too, so the worker could not even hand its job back.
    worker = _spec("worker", WORKER_COMMAND, environment, WORKER_STOP_SECONDS, lock, signal.SIGKILL)
    specs.append(replace(worker, umask=usual_umask()))  # it makes its own files private, not the hub's cache
    return specs


def _spec(
    name: str,
    command: tuple[str, ...],
    environment: dict[str, str],
    stop_seconds: float,
    lock: int,
    death_signal: signal.Signals = signal.SIGTERM,
) -> ProcessSpec:
    return ProcessSpec(
        name,
        command,
        environment,
        Path(PROJECT_ROOT),
        stop_seconds,
        death_signal,
        inherited_descriptors=(lock,),
    )


def _require_ports(settings: Settings) -> None:
    for host, port, variable in (
        (settings.api_host, settings.api_port, "TUNEDOCK_API_PORT"),
        (settings.metrics_host, settings.api_metrics_port, "TUNEDOCK_API_METRICS_PORT"),
        (settings.metrics_host, settings.worker_metrics_port, "TUNEDOCK_WORKER_METRICS_PORT"),
    ):
        require_free(host, port, variable)


def _ending(exit_code: int | None) -> Message:
    if exit_code is not None and exit_code < 0:
        return say("ended-by-signal-piece", signal=signal.Signals(-exit_code).name)
    return say("ended-by-code-piece", code=str(exit_code))
