"""What keeps a real store from taking writes, made to happen and to pass."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import redis

from tests.valkey import Valkey

Trouble = Callable[[Valkey, Any], AbstractContextManager[None]]  # of a server and its administrator


@contextmanager
def setting(admin: Any, name: str, value: object, healthy: object) -> Iterator[None]:
    admin.config_set(name, value)
    try:
        yield
    finally:
        admin.config_set(name, healthy)


@contextmanager
def memory_full(valkey: Valkey, admin: Any) -> Iterator[None]:
    with setting(admin, "maxmemory", 1, 0):
        yield


@contextmanager
def read_only(valkey: Valkey, admin: Any) -> Iterator[None]:
    admin.replicaof("127.0.0.1", 1)
    time.sleep(0.1)
    try:
        yield
    finally:
        admin.replicaof("no", "one")


@contextmanager
def primary_lost(valkey: Valkey, admin: Any) -> Iterator[None]:
    with setting(admin, "replica-serve-stale-data", "no", "yes"), read_only(valkey, admin):
        yield


@contextmanager
def too_few_replicas(valkey: Valkey, admin: Any) -> Iterator[None]:
    with setting(admin, "min-replicas-to-write", 1, 0):
        yield


@contextmanager
def password_changed(valkey: Valkey, admin: Any) -> Iterator[None]:
    with setting(admin, "requirepass", "secret", ""):
        for client in admin.client_list():
            if client["id"] != str(admin.client_id()):
                admin.client_kill_filter(_id=client["id"])
        yield


@contextmanager
def busy_with_a_script(valkey: Valkey, admin: Any) -> Iterator[None]:
    def endless() -> None:
        with pytest.raises(redis.ResponseError, match="killed"):
            redis.Redis(port=valkey.port, socket_timeout=60).eval("while true do end", 0)

    with setting(admin, "busy-reply-threshold", 50, 5000):
        thread = threading.Thread(target=endless)
        thread.start()
        time.sleep(0.3)
        try:
            yield
        finally:
            admin.script_kill()
            thread.join()


@contextmanager
def no_connection_left(valkey: Valkey, admin: Any) -> Iterator[None]:
    for client in admin.client_list():
        if client["id"] != str(admin.client_id()):
            admin.client_kill_filter(_id=client["id"])
    with setting(admin, "maxclients", 1, 1000):
        yield


TROUBLES: list[tuple[Trouble, str]] = [
    (memory_full, "memory is full"),
    (read_only, "read-only replica"),
    (primary_lost, "lost its primary|read-only replica"),
    (too_few_replicas, "fewer replicas"),
    (password_changed, "refuses the password"),
    (busy_with_a_script, "busy with a script"),
    (no_connection_left, "no free connection"),
]
