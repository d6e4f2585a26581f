"""A patient user of the API: asks again while it is away, and writes down every answer."""

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from tests.chaos.history import History
from tests.chaos.specs import SPECS

REQUEST_SECONDS = 30.0
PAUSE_SECONDS = 0.3
AWAY = (503, 507)  # the store, or the data disk; nothing was accepted
PATIENCE_SECONDS = 240.0


class User:
    """Knows the jobs that it was told are accepted: `accepted` has the spec's name of each."""

    def __init__(self, url: Callable[[], str], key: str, history: History) -> None:
        self._url, self._key, self._history = url, key, history
        self.accepted: dict[str, str] = {}
        self.deleted: set[str] = set()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """One answer, or None where none came."""
        headers = {"Authorization": f"Bearer {self._key}"} | more.pop("headers", {})
        began = time.monotonic()
        try:
            answer = httpx.request(
                method, self._url() + path, headers=headers, timeout=REQUEST_SECONDS, trust_env=False, **more
            )
        except httpx.HTTPError as error:
            self._note(method, path, 0, began, type(error).__name__)
            return None
        is_refused = answer.status_code >= 400
        self._note(method, path, answer.status_code, began, answer.text[:500] if is_refused else "")
        return answer

    def until(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """The first answer that does not say that a part is away; None after minutes without one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self.ask(method, path, **more)
            if answer is not None and answer.status_code not in AWAY:
                return answer
            time.sleep(PAUSE_SECONDS)
        self._history.note("gave-up", method=method, path=path)
        return None

    def submit(self, spec: str, key: str, **more: Any) -> str | None:
        """Ask with this key until it is accepted; the job's id. `more` are fields of the request."""
        request = SPECS[spec].request | more
        answer = self.until("POST", "/v1/jobs", json=request, headers={"Idempotency-Key": key})
        return None if answer is None else self._accepted(answer, spec, key)

    def _accepted(self, answer: httpx.Response, spec: str, key: str) -> str | None:
        if answer.status_code != 202:
            return None
        job_id = str(answer.json()["id"])
        self.accepted[job_id] = spec
        self._history.note("accepted", job=job_id, spec=spec, key=key)
        return job_id

    def submit_at_once(self, spec: str, key: str, *, times: int, cut: int) -> None:
        """The same submit from `times` connections; of `cut` more nobody waits for the answer."""
        threads = [threading.Thread(target=self.submit, args=(spec, key)) for _ in range(times)]
        threads += [threading.Thread(target=self._submit_and_hang_up, args=(spec, key)) for _ in range(cut)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _submit_and_hang_up(self, spec: str, key: str) -> None:
        address, body = urlsplit(self._url()), json.dumps(SPECS[spec].request)
        head = (
            f"POST /v1/jobs HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n\r\n"
        )
        try:
            with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
                connection.sendall((head + body).encode())
        except OSError:
            return

    def order(self, job_id: str, order: Literal["cancel", "pause", "resume"]) -> httpx.Response | None:
        return self.ask("POST", f"/v1/jobs/{job_id}/{order}")

    def until_ordered(self, job_id: str, order: Literal["cancel", "pause", "resume"]) -> None:
        self.until("POST", f"/v1/jobs/{job_id}/{order}")

    def order_queue(self, order: Literal["pause", "resume"]) -> bool:
        answer = self.ask("POST", f"/v1/queue/{order}")
        return answer is not None and answer.is_success

    def until_queue_ordered(self, order: Literal["pause", "resume"]) -> None:
        self.until("POST", f"/v1/queue/{order}")

    def delete(self, job_id: str) -> None:
        answer = self.until("DELETE", f"/v1/jobs/{job_id}")
        if answer is not None and answer.status_code in (200, 204, 404):
            self.deleted.add(job_id)

    def record(self, job_id: str) -> dict[str, Any] | None:
        """None where there is none, or no answer."""
        answer = self.ask("GET", f"/v1/jobs/{job_id}")
        return answer.json() if answer is not None and answer.is_success else None

    def _note(self, method: str, path: str, status: int, began: float, text: str) -> None:
        seconds = round(time.monotonic() - began, 3)
        if method != "GET" or status >= 400:
            self._history.note("answer", method=method, path=path, status=status, seconds=seconds, text=text)
