"""The API under gunicorn: starting, bodies of any size, metrics, restarts."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.api.metrics import METRICS
from shared.job_records import Claim
from shared.settings import PROJECT_ROOT
from tests.api.conftest import ROWS, jsonl
from tests.api.server import MAX_UPLOAD_BYTES, Server, serve
from tests.valkey import Valkey

GIB = 1024**3
FORM = (
    b'--bound\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
    b'--bound\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("api"), valkey) as server:
        server.store._redis.flushall()
        yield server


def sent_raw(server: Server, framing: str, body: Iterator[bytes]) -> tuple[int, bytes, int]:
    """(status, answer, bytes of the body sent before it came) of an upload with the given framing header."""
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.key}\r\n"
        f"Content-Type: multipart/form-data; boundary=bound\r\n{framing}\r\n\r\n"
    )
    sent_bytes = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = HTTPResponse(connection)
        reader = threading.Thread(target=answer.begin)
        reader.start()
        try:
            for piece in body:
                if not reader.is_alive():
                    break
                connection.sendall(piece)
                sent_bytes += len(piece)
        except OSError:  # the server has closed
            pass
        reader.join(30)
        return answer.status, answer.read(), sent_bytes


def endless_chunks() -> Iterator[bytes]:
    """A chunked body that would be 3 GiB long."""
    yield b"%x\r\n%s\r\n" % (len(FORM), FORM)
    piece = b"x" * 65_536
    for _ in range(3 * GIB // len(piece)):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


def test_three_gigabytes_are_refused_at_their_announcement(server: Server) -> None:
    status, answer, sent_bytes = sent_raw(server, f"Content-Length: {3 * GIB}", iter([FORM]))
    assert (status, json.loads(answer)["code"]) == (413, "too_large")
    assert sent_bytes <= len(FORM)


def test_three_gigabytes_without_announcement_are_refused_at_the_limit(server: Server) -> None:
    status, answer, sent_bytes = sent_raw(server, "Transfer-Encoding: chunked", endless_chunks())
    assert (status, json.loads(answer)["code"]) == (413, "too_large")
    assert sent_bytes < 64 * MAX_UPLOAD_BYTES  # what the sockets' buffers hold, not gigabytes
    assert list((server.data_dir / "files").iterdir()) == []


def test_a_chunked_upload_within_the_limit_is_taken(server: Server) -> None:
    body = FORM + jsonl(ROWS) + b"\r\n--bound--\r\n"
    headers = {**server.headers, "Content-Type": "multipart/form-data; boundary=bound"}
    answer = httpx.post(f"{server.url}/v1/files", content=iter([body]), headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.json()["bytes"] == len(jsonl(ROWS))
    httpx.delete(f"{server.url}/v1/files/{answer.json()['id']}", headers=server.headers, trust_env=False)


def test_a_browser_s_session_uploads_and_orders_and_others_are_refused_at_the_head(server: Server) -> None:
    """The server looks at the head of a request before it awaits its body: a cookie there counts as a key."""
    own = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    rows = b'{"text": "a", "label": "b"}\n' * 60_000
    form: dict[str, Any] = {"data": {"purpose": "fine-tune"}, "files": {"file": ("rows.jsonl", rows)}}
    with httpx.Client(base_url=server.url, trust_env=False) as browser:
        assert browser.post("/new/file", **form, headers=own).status_code == 401
        assert browser.post("/session", data={"key": "x" * 100_000}, headers=own).status_code in (401, 413)
        assert (
            browser.post("/session", data={"key": server.key, "back": "/new"}, headers=own).status_code == 303
        )
        uploaded = browser.post("/new/file", **form, headers=own)
        assert uploaded.status_code == 303
        assert browser.get(uploaded.headers["Location"], headers=own).status_code == 200
        file_id = uploaded.headers["Location"].rpartition(":")[2]
        assert browser.delete(f"/v1/files/{file_id}", headers=own).status_code == 200
        assert browser.post("/v1/queue/pause", headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
        assert browser.post("/queue/resume", headers=own).status_code == 303
        assert browser.post("/session/end", headers=own).status_code == 303
        assert browser.get("/v1/jobs").status_code == 401


def test_an_answer_before_its_body_s_end_says_that_the_connection_closes(server: Server) -> None:
    """Else a client keeps the connection, and its next request gets no answer at all."""
    head = f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    for sent, is_announced in ((100, True), (1000, False)):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{'x' * sent}".encode())
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, answer.getheader("Connection") == "close") == (401, is_announced)


def test_a_body_that_breaks_off_leaves_nothing(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            f"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.key}\r\n"
            "Content-Type: multipart/form-data; boundary=bound\r\nContent-Length: 100000\r\n\r\n".encode()
            + FORM
        )
        connection.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["code"]) == (400, "malformed_request")
    assert list((server.data_dir / "files").iterdir()) == []
    assert "Traceback" not in server.log.read_text()


def test_readiness_wants_a_store_and_a_worker_that_was_heard_of(server: Server) -> None:
    answer = httpx.get(f"{server.url}/readyz", trust_env=False)
    assert answer.status_code == 503
    [missing] = answer.json()["errors"]
    assert (missing["path"], "tunedock up" in missing["message"]) == ("worker", True)
    server.store.worker_beat("test", {"device": "cpu"})
    answer = httpx.get(f"{server.url}/readyz", trust_env=False)
    assert answer.status_code == 200
    assert [worker["device"] for worker in answer.json()["workers"]] == ["cpu"]


def test_metrics_are_on_their_own_port_alone(server: Server) -> None:
    assert httpx.get(f"{server.url}/metrics", headers=server.headers, trust_env=False).status_code == 404
    metrics = f"http://127.0.0.1:{server.metrics_port}"
    assert httpx.get(f"{metrics}/metrics", trust_env=False).status_code == 200
    for path in ("/", "/healthz", "/v1/jobs"):
        assert httpx.get(f"{metrics}{path}", headers=server.headers, trust_env=False).status_code == 404


def test_metrics_for_this_machine_answer_no_page_of_another_name(server: Server) -> None:
    for host, status in (("evil.example", 400), ("localhost:1", 200), ("127.0.0.1", 200)):
        answer = httpx.get(
            f"http://127.0.0.1:{server.metrics_port}/metrics", headers={"Host": host}, trust_env=False
        )
        assert answer.status_code == status
        assert ("tunedock_" in answer.text) == (status == 200)


def test_all_that_the_server_keeps_is_its_owners_alone(server: Server) -> None:
    file = httpx.post(
        f"{server.url}/v1/files", data={"purpose": "fine-tune"}, files={"file": ("a.jsonl", jsonl(ROWS))},
        headers=server.headers, trust_env=False,
    ).json()  # fmt: skip
    body = {"kind": "fine_tuning", "training_file": file["id"]}
    job = httpx.post(f"{server.url}/v1/jobs", json=body, headers=server.headers, trust_env=False).json()
    kept = [server.data_dir, *server.data_dir.rglob("*")]
    assert server.data_dir / "jobs" / job["id"] / "rows" / "training.jsonl" in kept
    assert [path for path in kept if path.stat().st_mode & 0o077] == []
    httpx.post(f"{server.url}/v1/jobs/{job['id']}/cancel", headers=server.headers, trust_env=False)


def test_metrics_count_jobs_as_the_store_does_and_requests_of_all_processes(server: Server) -> None:
    for _ in range(20):  # both processes answer some of them
        httpx.get(f"{server.url}/v1/jobs/ftjob-x", headers=server.headers, trust_env=False)
    body = {"kind": "load_diagnostic"}
    for _ in range(2):
        httpx.post(f"{server.url}/v1/jobs", json=body, headers=server.headers, trust_env=False)
    claim = server.store.claim(host="test", boot="boot", nonce="n", lease_seconds=60)
    assert isinstance(claim, Claim)
    server.store.finish(claim, "succeeded", message="Done", result={})
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(server.metrics())
        for sample in family.samples
    }
    assert samples["tunedock_jobs_total", "load_diagnostic", "succeeded"] == 1
    assert samples["tunedock_job_records", "load_diagnostic", "queued"] == 1
    assert samples["tunedock_queue_length", "load_diagnostic"] == 1
    assert samples["tunedock_job_wait_seconds_count", "load_diagnostic"] == 1
    assert samples["tunedock_job_duration_seconds_bucket", "+Inf", "load_diagnostic", "succeeded"] == 1
    assert samples["tunedock_disk_free_bytes", "data"] > 0
    assert samples["tunedock_http_request_duration_seconds_count", "/v1/jobs/<job_id>", "4xx", "GET"] == 20


def test_every_metric_of_the_list_is_served_with_its_type_and_labels(server: Server) -> None:
    families = {family.name: family for family in text_string_to_metric_families(server.metrics())}
    for metric in METRICS:
        family = families.pop(metric.name.removesuffix("_total"))
        assert (family.type, family.documentation) == (metric.type, metric.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels)
    assert families == {}


def test_a_process_that_dies_is_replaced_and_its_counts_stay(server: Server) -> None:
    def requests() -> float:
        families = text_string_to_metric_families(server.metrics())
        samples = [sample for family in families for sample in family.samples]
        return sum(
            sample.value
            for sample in samples
            if sample.name.startswith("tunedock_http") and sample.name.endswith("_count")
        )

    before, children = requests(), _children(server.process.pid)
    os.kill(children[0], signal.SIGKILL)
    for _ in range(200):
        if len(_children(server.process.pid)) == 2 and children[0] not in _children(server.process.pid):
            break
        time.sleep(0.05)
    for _ in range(10):
        assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
    assert requests() == before + 10


def test_a_process_that_is_replaced_cuts_no_connection_in_use(
    tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process ends once it has answered its share: who asks now and then must not notice."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 1 --max-requests 150 --max-requests-jitter 0")
    with serve(tmp_path, valkey) as server, ThreadPoolExecutor(9) as threads:
        before = _children(server.process.pid)
        often = threads.submit(_asked_by_one_connection, server, 150, 0.02)
        seldom = [threads.submit(_asked_by_one_connection, server, 4, 1.2) for _ in range(8)]
        assert often.result() == [200] * 150
        assert [asked.result() for asked in seldom] == [[200] * 4] * 8
        assert set(before) - set(_children(server.process.pid))


def _asked_by_one_connection(server: Server, times: int, pause_seconds: float) -> list[int]:
    """The statuses; the connection is made anew where an answer says that it closes, and only there."""
    statuses, connection = [], HTTPConnection("127.0.0.1", server.port, timeout=30)
    for _ in range(times):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
        time.sleep(pause_seconds)
    connection.close()
    return statuses


def test_no_room_for_the_files_of_metrics_spoils_no_answer(tmp_path: Path, valkey: Valkey) -> None:
    """They are mapped into memory when the first request is counted, which was once after it was answered."""
    with serve(tmp_path, valkey) as server:
        for pid in (server.process.pid, *_children(server.process.pid)):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for path, body, status in (("jobs", {"kind": "load_diagnostic"}, 507), ("queue/pause", None, 200)):
            for _ in range(8):  # each process answers some of them
                answer = httpx.post(
                    f"{server.url}/v1/{path}", json=body, headers=server.headers, trust_env=False
                )
                assert answer.status_code == status, answer.text
        assert "tunedock_http_request_duration_seconds_count" in server.metrics()


def test_the_key_is_private_and_said_once(server: Server) -> None:
    assert (server.data_dir / "api.key").stat().st_mode & 0o777 == 0o600
    assert server.log.read_text().count(server.key) == 1
    for line in server.log.read_text().splitlines():
        if not line.startswith("An API key was made") and line != server.key:
            json.loads(line)


def test_the_api_starts_without_torch_and_its_company() -> None:
    code = (
        "import sys, services.api.app\n"
        "heavy = {'torch', 'transformers', 'peft', 'bitsandbytes', 'pyarrow', 'numpy', 'services.worker'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_a_store_url_the_server_says_what_to_set() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import services.api.asgi"], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "TUNEDOCK_STORE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]
