"""Ends a thread from outside, as an exception nobody foresaw would."""

import ctypes
import threading
import time


def kill_thread(ident: int | None) -> None:
    """Raise `SystemExit` in the thread and wait until it is gone.

    The exception is seen at the thread's next bytecode, so one that waits for seconds dies that much later.
    """
    assert ident is not None
    assert (
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(SystemExit)) == 1
    )
    deadline = time.monotonic() + 20
    while any(thread.ident == ident for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the thread still lives"
        time.sleep(0.01)
