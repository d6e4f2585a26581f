"""What API and worker say of themselves, and whether the API takes our key."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from services.cli.doctor.facts import ApiFacts, KeyFacts, Missing, WebhookFacts, WorkerState
from services.cli.failure import CommandFailed
from services.cli.server import key_path, read_key
from shared.cache_facts import CachesSeen
from shared.messages.message import read_stored as read_message
from shared.messages.message import say
from shared.reports.stored import read_stored
from shared.settings import Settings

ANSWER_SECONDS = 3.0
MOST_DELIVERIES = 100
READINESS_SECONDS = 8.0  # a store that is away is given up after some 6 s, and then named


def ask_api(url: str) -> ApiFacts:
    """Facts of the API's health pages, which need no key."""
    health = _get(f"{url}/healthz")
    if health is None or health.status_code != 200:
        return ApiFacts(url=url)
    readiness = _get(f"{url}/readyz", READINESS_SECONDS)
    if readiness is None:
        silent = say("no-answer-in-time", limit_seconds=READINESS_SECONDS)
        return ApiFacts(url=url, answers=True, missing=(Missing(path="readyz", message=silent),))
    told = _json(readiness)
    return ApiFacts(
        url=url,
        answers=True,
        ready=readiness.status_code == 200,
        missing=tuple(
            Missing(path=str(item.get("path", "")), message=str(item.get("message", "")))
            for item in told.get("errors", [])
        ),
        devices=tuple(str(worker["device"]) for worker in told.get("workers", []) if worker.get("device")),
    )


def ask_key(settings: Settings, api: ApiFacts) -> KeyFacts:
    """Whether there is a key to send, and whether the API takes it."""
    path = key_path(settings)
    try:
        key = read_key(path)
    except CommandFailed as failure:
        return KeyFacts(path=str(path), problem=failure.said)
    answer = _get(f"{api.url}/v1/jobs?limit=1", Authorization=f"Bearer {key}") if api.answers else None
    # A store that is away answers 503 after the key was looked at.
    return KeyFacts(path=str(path), accepted=None if answer is None else answer.status_code != 401)


def ask_webhooks(settings: Settings, api: ApiFacts) -> WebhookFacts:
    """How the newest deliveries went."""
    try:
        key = read_key(key_path(settings))
    except CommandFailed:
        return WebhookFacts()
    address = f"{api.url}/v1/webhooks/deliveries?limit={MOST_DELIVERIES}"
    answer = _get(address, Authorization=f"Bearer {key}") if api.answers else None
    if answer is None or answer.status_code != 200:
        return WebhookFacts()
    deliveries = _json(answer).get("data", [])
    wrong = [one for one in deliveries if one["status"] in ("failed", "off") or one["problem"]]
    newest = wrong[0] if wrong else {"url": "", "problem": ""}
    return WebhookFacts(
        looked_at=len(deliveries),
        not_delivered=len(wrong),
        url=newest["url"],
        problem=newest["problem"] or "",
    )


def read_worker_state(settings: Settings) -> WorkerState | None:
    """The worker's own file; its time of change is the worker's sign of life."""
    path = Path(settings.data_dir) / "worker" / f"{settings.worker_host}.state.json"
    try:
        age_seconds = time.time() - path.stat().st_mtime
        state = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(state, dict):
        return None
    known = {name: state.get(name) or None for name in ("device", "hf_cache")}
    return WorkerState(
        age_seconds=max(0.0, age_seconds),
        problem=read_message(str(state.get("problem") or "")) or None,
        caches=_caches(state.get("caches")),
        **known,
    )


def _caches(told: object) -> CachesSeen | None:
    try:
        return read_stored(CachesSeen, told)
    except ValidationError:  # another release's worker, or one that has not looked yet
        return None


def _get(url: str, seconds: float = ANSWER_SECONDS, **headers: str) -> httpx.Response | None:
    try:
        # A proxy of the environment has no business with this machine's own address.
        return httpx.get(url, headers=headers, timeout=seconds, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError):
        return None


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
