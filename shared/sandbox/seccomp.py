"""The system calls a sandboxed process may not make, and the kernel filter that refuses them.

A classic BPF program as in seccomp(2), installed with prctl: it needs no privilege, and neither the process
nor its threads can take it off again. It names what is refused, not what is allowed, because Arrow and torch
call widely; calls newer than this list are answered as unknown, for which libraries have a way round.
"""

import ctypes
import errno
import os
import platform
import struct

CLONE_THREAD = 0x00010000
X32_CALLS_FROM = 0x40000000
NEWEST_KNOWN_CALL = 462
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# One call a line: name, number on x86_64, number on aarch64 ("-" where that architecture has none).
_NETWORK = """
socket 41 198
socketpair 53 199
bind 49 200
listen 50 201
accept 43 202
accept4 288 242
connect 42 203
sendto 44 206
sendmsg 46 211
sendmmsg 307 269
"""
_PROGRAMS = """
execve 59 221
execveat 322 281
fork 57 -
vfork 58 -
"""
_OTHER_PROCESSES = """
ptrace 101 117
process_vm_readv 310 270
process_vm_writev 311 271
tkill 200 130
rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240
pidfd_send_signal 424 424
pidfd_open 434 434
pidfd_getfd 438 438
process_madvise 440 440
process_mrelease 448 448
kcmp 312 272
setpriority 141 140
shmget 29 194
shmat 30 196
shmctl 31 195
msgget 68 186
semget 64 190
mq_open 240 180
"""
_KERNEL = """
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
bpf 321 280
perf_event_open 298 241
userfaultfd 323 282
add_key 248 217
request_key 249 218
keyctl 250 219
personality 135 92
init_module 175 105
finit_module 313 273
delete_module 176 106
kexec_load 246 104
kexec_file_load 320 294
reboot 169 142
swapon 167 224
swapoff 168 225
"""
_FILESYSTEM = """
mount 165 40
umount2 166 39
pivot_root 155 41
chroot 161 51
unshare 272 97
setns 308 268
open_tree 428 428
move_mount 429 429
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
mount_setattr 442 442
name_to_handle_at 303 264
open_by_handle_at 304 265
chmod 90 -
fchmod 91 52
fchmodat 268 53
fchmodat2 452 452
chown 92 -
lchown 94 -
fchown 93 55
fchownat 260 54
setxattr 188 5
lsetxattr 189 6
fsetxattr 190 7
mknod 133 -
mknodat 259 33
"""
_ONLY_ON_ITSELF = """
kill 62 129
tgkill 234 131
prlimit64 302 261
"""
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435

# seccomp(2), linux/filter.h, linux/seccomp.h
_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

_Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refuse_system_calls(libc: ctypes.CDLL) -> bool:
    """Install the filter on this thread and all it starts; False where platform or kernel has none.

    `no_new_privs` must be set already.
    """
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in ARCHITECTURES:
        return False
    code = b"".join(
        struct.pack("=HBBI", *instruction) for instruction in filter_program(machine, os.getpid())
    )
    program = _Program(len(code) // 8, code)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def filter_program(machine: str, own_pid: int) -> list[_Instruction]:
    """The filter for one architecture; every rule falls through to the next, the last one allows."""
    refuse, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    program = [_load(_ARCHITECTURE_AT), *_unless(_JUMP_EQUAL, ARCHITECTURES[machine], _KILL_PROCESS)]
    program.append(_load(_NUMBER_AT))
    if machine == "x86_64":
        program += _when(_JUMP_AT_LEAST, X32_CALLS_FROM, refuse)
    program += _when(_JUMP_ABOVE, NEWEST_KNOWN_CALL, unknown)
    # clone3 hides its flags behind a pointer; told that it does not exist, libc uses clone.
    program += _when(_JUMP_EQUAL, _CLONE3, unknown)
    for numbers in (_NETWORK, _PROGRAMS, _OTHER_PROCESSES, _KERNEL, _FILESYSTEM):
        for number in _numbers(numbers, machine):
            program += _when(_JUMP_EQUAL, number, refuse)
    program += _first_argument_rule(_CLONE[machine], _unless(_JUMP_BITS, CLONE_THREAD, refuse))
    for number in _numbers(_ONLY_ON_ITSELF, machine):
        program += _first_argument_rule(number, _unless_one_of((own_pid, 0), refuse))
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _numbers(calls: str, machine: str) -> list[int]:
    column = 1 if machine == "x86_64" else 2
    return [int(line.split()[column]) for line in calls.split("\n") if line and line.split()[column] != "-"]


def _load(offset: int) -> _Instruction:
    return (_LOAD, 0, 0, offset)


def _when(test: int, value: int, answer: int) -> list[_Instruction]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, answer)]


def _unless(test: int, value: int, answer: int) -> list[_Instruction]:
    return [(test, 1, 0, value), (_RETURN, 0, 0, answer)]


def _unless_one_of(values: tuple[int, int], answer: int) -> list[_Instruction]:
    return [(_JUMP_EQUAL, 2, 0, values[0]), (_JUMP_EQUAL, 1, 0, values[1]), (_RETURN, 0, 0, answer)]


def _first_argument_rule(number: int, rule: list[_Instruction]) -> list[_Instruction]:
    """`rule` sees the call's first argument (its low 32 bits); what it lets pass is allowed."""
    body = [_load(_FIRST_ARGUMENT_AT), *rule, (_RETURN, 0, 0, _ALLOW)]
    return [(_JUMP_EQUAL, 0, len(body), number), *body]
