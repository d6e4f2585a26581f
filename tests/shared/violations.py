"""Does, inside the sandbox, what the sandbox must refuse; `test_sandbox.py` looks at what happens."""

import ctypes
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> object:
    return globals()[arguments[0]](*arguments[1:])


def echo(*words: str) -> object:
    for word in words:
        print(word)
    return {"words": list(words)}


def connect(port: str) -> object:
    return _refused(lambda: socket.create_connection(("127.0.0.1", int(port))))


def execute() -> object:
    return _refused(lambda: os.execv("/bin/true", ["true"]))


def start_program() -> object:
    return _refused(lambda: subprocess.run(["/bin/true"], check=True))


def fork() -> object:
    return _refused(os.fork)


def signal_parent() -> object:
    return _refused(lambda: os.kill(os.getppid(), signal.SIGTERM))


def unknown_call() -> object:
    libc = ctypes.CDLL(None, use_errno=True)
    return [libc.syscall(10_000), ctypes.get_errno()]


def start_thread() -> object:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(1))
    thread.start()
    thread.join()
    return seen


def fill_memory() -> object:
    return len(bytearray(64 * 1024**3))


def fill_a_gigabyte() -> object:
    return len(bytearray(1024**3))


def first_to_go() -> object:
    return Path("/proc/self/oom_score_adj").read_text().strip()


def loop() -> object:
    while True:
        pass


def sleep() -> object:
    signal.pause()
    return None


def sleep_aloud() -> object:
    print(os.getpid())
    return sleep()


def talk() -> object:
    while True:
        print("x" * 100)


def crash() -> object:
    return ctypes.string_at(0)


def write(path: str, size_bytes: str) -> object:
    with Path(path).open("wb") as stream:
        stream.write(b"x" * int(size_bytes))
    return None


def try_write(path: str) -> object:
    return _refused(lambda: Path(path).write_text("changed"))


def try_read(*paths: str) -> object:
    return [_refused(lambda path=path: Path(path).read_bytes()) for path in paths]


def try_list(*paths: str) -> object:
    return [_refused(lambda path=path: list(Path(path).iterdir())) for path in paths]


def try_read_by_own_link(path: str) -> object:
    link = Path(os.environ["TMPDIR"]) / "link"
    link.symlink_to(path)
    return _refused(link.read_bytes)


def try_read_beside(folder: str, name: str) -> object:
    """By a name relative to an open folder, as tools that walk trees do."""
    opened = os.open(folder, os.O_RDONLY)
    return _refused(lambda: os.close(os.open(name, os.O_RDONLY, dir_fd=opened)))


def try_parent(*names: str) -> object:
    return [_refused(lambda name=name: Path(f"/proc/{os.getppid()}/{name}").read_bytes()) for name in names]


def environment() -> object:
    return dict(os.environ)


def descriptors() -> object:
    return sorted(str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())


def answer_much() -> object:
    return "x" * (32 * 1024**2)


def import_torch() -> object:
    import torch

    return float((torch.ones(256, 256) @ torch.ones(256, 256)).sum())


def import_pyarrow() -> object:
    import pyarrow as pa

    return str(pa.array([1, 2]).cast(pa.string()).to_pylist())


def _refused(act: object) -> object:
    """The errno with which the kernel refused, or None if it did not."""
    assert callable(act)
    try:
        act()
    except OSError as error:
        return error.errno
    return None
