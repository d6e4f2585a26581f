"""Submits jobs at an even rate, whatever the answers take; a process of its own, for `bench.submits`.

Each submit is timed from the moment at which it was due, so that one that had to wait for a slow one is slow,
too (the "coordinated omission" of Gil Tene, "How NOT to measure latency").
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 16
TIMEOUT_SECONDS = 30.0


class SubmitLoad:
    """`submit_seconds` and `answers` (what was answered how often) grow while it runs."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.submit_seconds: list[float] = []
        self.answers: Counter[str] = Counter()
        self._order, self._lock = order, threading.Lock()
        self._next, self._count = 0, round(order["per_second"] * order["seconds"])
        self._began = time.perf_counter()

    def run(self) -> None:
        threads = [threading.Thread(target=self._work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        connection = self._connection()
        while (number := self._take()) is not None:
            due = self._began + number / self._order["per_second"]
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                said = self._submit(connection, number)
            except (OSError, http.client.HTTPException) as error:
                said = type(error).__name__
                connection.close()
                connection = self._connection()
            with self._lock:
                self.submit_seconds.append(time.perf_counter() - due)
                self.answers[said] += 1

    def _take(self) -> int | None:
        with self._lock:
            number, self._next = self._next, self._next + 1
        return number if number < self._count else None

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self._order["url"]).netloc, timeout=TIMEOUT_SECONDS)

    def _submit(self, connection: http.client.HTTPConnection, number: int) -> str:
        body = json.dumps(self._order["request"] | {"suffix": f"load-{number}"})
        headers = {"Authorization": f"Bearer {self._order['key']}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/jobs", body, headers)
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)


def main() -> None:
    load = SubmitLoad(json.loads(sys.stdin.readline()))
    load.run()
    print(json.dumps({
        "submit_seconds": load.submit_seconds, "answers": load.answers, "own_cpu_seconds": time.process_time()
    }))  # fmt: skip


if __name__ == "__main__":
    main()
