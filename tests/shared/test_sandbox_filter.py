"""The filter program itself, run by a small interpreter: also for the processor that this machine is not."""

import errno
import struct

import pytest

from shared.sandbox.seccomp import ARCHITECTURES, CLONE_THREAD, filter_program

OWN_PID = 4242
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
NUMBERS = {
    "x86_64": {"read": 0, "openat": 257, "socket": 41, "connect": 42, "execve": 59, "clone": 56, "kill": 62},
    "aarch64": {
        "read": 63,
        "openat": 56,
        "socket": 198,
        "connect": 203,
        "execve": 221,
        "clone": 220,
        "kill": 129,
    },
}


def verdict(machine: str, number: int, argument: int = 0, *, architecture: int | None = None) -> int:
    """What the kernel would answer: classic BPF over `struct seccomp_data`."""
    call = struct.pack("=IIQQ", number, architecture or ARCHITECTURES[machine], 0, argument)
    accumulator = place = 0
    program = filter_program(machine, OWN_PID)
    while True:
        code, if_true, if_false, value = program[place]
        place += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", call, value)
            case 0x06:
                return value
            case _:
                tests = {
                    0x15: accumulator == value,
                    0x25: accumulator > value,
                    0x35: accumulator >= value,
                    0x45: bool(accumulator & value),
                }
                place += if_true if tests[code] else if_false


@pytest.fixture(params=sorted(ARCHITECTURES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_ordinary_calls_are_allowed(machine: str) -> None:
    assert {verdict(machine, NUMBERS[machine][name]) for name in ("read", "openat")} == {ALLOW}


def test_the_network_and_other_programs_are_refused(machine: str) -> None:
    assert {verdict(machine, NUMBERS[machine][name]) for name in ("socket", "connect", "execve")} == {REFUSE}


def test_only_threads_can_be_cloned(machine: str) -> None:
    clone = NUMBERS[machine]["clone"]
    assert verdict(machine, clone, CLONE_THREAD | 0x100) == ALLOW
    assert verdict(machine, clone, 17) == REFUSE
    assert verdict(machine, 435) == UNKNOWN


def test_signals_reach_the_process_itself_alone(machine: str) -> None:
    kill = NUMBERS[machine]["kill"]
    assert verdict(machine, kill, OWN_PID) == ALLOW
    assert verdict(machine, kill, OWN_PID - 1) == REFUSE
    assert verdict(machine, kill, 2**32 - 1) == REFUSE


def test_calls_of_another_architecture_end_the_process(machine: str) -> None:
    assert verdict(machine, 0, architecture=0x40000003) == KILL


def test_x32_calls_and_calls_to_come_get_nowhere() -> None:
    assert verdict("x86_64", 0x40000000 + 41) == REFUSE
    assert verdict("x86_64", 463) == verdict("aarch64", 463) == UNKNOWN
