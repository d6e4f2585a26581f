"""What keeps a real store from taking writes, made to happen and to pass."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import pytest
import redis


class Server(Protocol):
    """Where a store listens and what it wants to hear."""

    @property
    def port(self) -> int: ...

    @property
    def password(self) -> str: ...


Trouble = Callable[[Server, Any], AbstractContextManager[None]]  # of a server and its administrator


@contextmanager
def setting(admin: Any, name: str, value: object) -> Iterator[None]:
    healthy = admin.config_get(name)[name]
    admin.config_set(name, value)
    try:
        yield
    finally:
        admin.config_set(name, healthy)


@contextmanager
def memory_full(server: Server, admin: Any) -> Iterator[None]:
    with setting(admin, "maxmemory", 1):
        yield


@contextmanager
def read_only(server: Server, admin: Any) -> Iterator[None]:
    admin.replicaof("127.0.0.1", 1)
    time.sleep(0.1)
    try:
        yield
    finally:
        admin.replicaof("no", "one")


@contextmanager
def primary_lost(server: Server, admin: Any) -> Iterator[None]:
    with setting(admin, "replica-serve-stale-data", "no"), read_only(server, admin):
        yield


@contextmanager
def too_few_replicas(server: Server, admin: Any) -> Iterator[None]:
    with setting(admin, "min-replicas-to-write", 1):
        yield


@contextmanager
def password_changed(server: Server, admin: Any) -> Iterator[None]:
    with setting(admin, "requirepass", "another"):
        for client in admin.client_list():
            if client["id"] != str(admin.client_id()):
                admin.client_kill_filter(_id=client["id"])
        yield


@contextmanager
def busy_with_a_script(server: Server, admin: Any) -> Iterator[None]:
    def endless() -> None:
        with pytest.raises(redis.ResponseError, match="killed"):
            redis.Redis(port=server.port, password=server.password, socket_timeout=60).eval(
                "while true do end", 0
            )

    with setting(admin, "busy-reply-threshold", 50):
        thread = threading.Thread(target=endless)
        thread.start()
        time.sleep(0.3)
        try:
            yield
        finally:
            admin.script_kill()
            thread.join()


@contextmanager
def no_connection_left(server: Server, admin: Any) -> Iterator[None]:
    for client in admin.client_list():
        if client["id"] != str(admin.client_id()):
            admin.client_kill_filter(_id=client["id"])
    with setting(admin, "maxclients", 1):
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
