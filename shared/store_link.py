"""The way to the store: a client whose every wait is bounded, and the memory of an outage."""

import logging
import os
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import redis
from redis.backoff import ConstantBackoff
from redis.connection import Connection, SSLConnection
from redis.retry import Retry

from shared.errors import StoreUnavailable
from shared.messages.message import Message
from shared.messages.render import in_english
from shared.name_lookup import addresses_of

logger = logging.getLogger(__name__)

LOOKUP_SECONDS = 0.6
CONNECT_SECONDS = 0.6
RECONNECT_SECONDS = 0.05
ASK_AGAIN_SECONDS = 0.25


class BoundedConnection(Connection):
    """Looks the store's name up within a limit, and tries its addresses within another."""

    def _connect(self):  # type: ignore[no-untyped-def]
        name, failure = self.host, OSError(f"{self.host} has no address")
        addresses = addresses_of(name, int(self.port), limit_seconds=LOOKUP_SECONDS)
        deadline = time.monotonic() + CONNECT_SECONDS
        for address in addresses:
            try:
                self.host = address
                return super()._connect()  # type: ignore[no-untyped-call]
            except OSError as error:
                failure = error
            finally:
                self.host = name  # what a certificate is checked against
            if time.monotonic() > deadline:
                break
        raise failure


class BoundedSSLConnection(SSLConnection, BoundedConnection):
    """The same under TLS, which begins where `BoundedConnection` ends."""


def store_client(url: str, *, timeout_seconds: float) -> "redis.Redis":
    """A lazy client. After a lost connection it tries once more, since what we send may be repeated; after
    silence it does not.
    """
    connections = {"redis": BoundedConnection, "rediss": BoundedSSLConnection}
    own = connections.get(urlsplit(url).scheme)
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=min(CONNECT_SECONDS, timeout_seconds),
        health_check_interval=10,
        retry=Retry(ConstantBackoff(RECONNECT_SECONDS), 1, (redis.ConnectionError,)),
        **({"connection_class": own} if own else {}),
    )


class Outage:
    """Whether the store is known to be silent. Then one thread asks again; all others are told at once."""

    def __init__(self, ask: Callable[[], object]) -> None:
        """`ask` raises `redis.RedisError` while the store is silent."""
        self._ask = ask
        self._lock = threading.Lock()
        self._trouble: Message | None = None
        self._asking_in: int | None = None  # the process whose thread asks

    def check(self) -> None:
        """Raises `StoreUnavailable` while the store is silent."""
        trouble = self._trouble
        if trouble is not None and self._asking_in == os.getpid():
            raise StoreUnavailable(trouble)

    def begin(self, trouble: Message) -> None:
        """The store was silent just now."""
        with self._lock:
            if self._asking_in == os.getpid():
                return
            self._trouble, self._asking_in = trouble, os.getpid()
        logger.warning("the job store is silent: %s", in_english(trouble))
        threading.Thread(target=self._ask_again, name="store-outage", daemon=True).start()

    def _ask_again(self) -> None:
        began = time.monotonic()
        while True:
            time.sleep(ASK_AGAIN_SECONDS)
            try:
                self._ask()
                break
            except (redis.ConnectionError, redis.TimeoutError):
                continue
            except Exception:  # it speaks, or the fault is ours: the next caller's to hear
                break
        logger.info("the job store answers again after %.1f s", time.monotonic() - began)
        with self._lock:
            self._trouble = self._asking_in = None
