"""Whether the job store answers, and in which of the ways that need different remedies it does not."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.cli.doctor.facts import StoreFacts, StoreState
from services.cli.stack_state import StackState
from services.cli.store import StoreAccess
from shared.settings import Settings

ANSWER_SECONDS = 2.0


def ask_store(settings: Settings, stack: StackState | None) -> StoreFacts:
    """Facts of the store that the settings name, else of the embedded one."""
    try:
        url = settings.store_address
    except ValueError as error:  # its words name variable and file, not the password
        return StoreFacts(embedded=False, state="bad-setting", detail=str(error))
    if url is not None:
        return ask_url(url, embedded=False)
    if stack is None:
        return StoreFacts(embedded=True, state="not-running")
    if "store" not in stack.processes:
        return StoreFacts(embedded=True, state="elsewhere")
    try:
        access = StoreAccess(**json.loads((Path(settings.data_dir) / "store/access.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        return StoreFacts(embedded=True, state="bad-setting", detail=f"store/access.json: {error}")
    return ask_url(access.url, embedded=True)


def ask_url(url: str, *, embedded: bool) -> StoreFacts:
    """Facts of the server at `url`."""
    address = _address(url)
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        return StoreFacts(embedded=embedded, state="bad-setting", address=address, detail=str(error))
    try:
        told: dict[str, Any] = client.info()
    except redis.RedisError as error:
        state, detail = _trouble(error)
        return StoreFacts(embedded=embedded, state=state, address=address, detail=detail)
    finally:
        client.close()
    return StoreFacts(
        embedded=embedded,
        state="answers",
        address=address,
        version=_version(told),
        durable=told.get("aof_enabled") == 1,
        eviction=told.get("maxmemory_policy"),
        memory_bytes=told.get("used_memory"),
        memory_limit_bytes=told.get("maxmemory"),
    )


def _trouble(error: redis.RedisError) -> tuple[StoreState, str]:
    text = str(error)
    if isinstance(error, redis.AuthenticationError) or "NOAUTH" in text or "WRONGPASS" in text:
        return "wrong-password", text
    if isinstance(error, redis.exceptions.BusyLoadingError):
        return "loading", text
    if isinstance(error, redis.TimeoutError):
        return "silent", text
    return "unreachable", text


def _version(told: dict[str, Any]) -> str:
    if valkey := told.get("valkey_version"):
        return f"Valkey {valkey}"
    return f"Redis {told.get('redis_version')}"


def _address(url: str) -> str:
    """Host and port, or the socket; never the password."""
    parts = urlsplit(url)
    try:
        return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
    except ValueError:
        return parts.hostname or "?"
