"""Clients that are slow, silent or malformed: each costs a connection, none keeps others waiting."""

import json
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest

from services.api.connections import HEAD_SECONDS
from tests.api.conftest import ROWS, jsonl
from tests.api.server import Server, serve
from tests.valkey import Valkey

AT_ONCE_SECONDS = 5  # on a machine that runs other tests, too; one that waits for such a client waits for 10
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
MULTIPART = "multipart/form-data; boundary=bound"
FORM = (
    b'--bound\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
    b'--bound\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
)
END = b"\r\n--bound--\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("api"), valkey) as server:
        server.store._redis.flushall()
        yield server


_open: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


def connected(server: Server, sent: bytes = b"", *, small: bool = False) -> socket.socket:
    connection = socket.socket()
    _open.append(connection)
    if small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(sent)
    return connection


def answer_of(connection: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    answer = HTTPResponse(connection, method=method)
    answer.begin()
    body = answer.read()
    answer.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def head(server: Server, line: str, **headers: str) -> bytes:
    given = {"Host": "localhost", "Authorization": f"Bearer {server.key}", **headers}
    lines = [line, *(f"{name.replace('_', '-')}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def slowest_answer_seconds(server: Server, path: str = "/healthz", times: int = 20) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        answer = httpx.get(f"{server.url}{path}", headers=server.headers, trust_env=False, timeout=20)
        assert answer.status_code == 200
        seconds.append(time.perf_counter() - began)
    return max(seconds)


def test_idle_half_sent_and_slow_clients_keep_nobody_waiting_and_are_closed(server: Server) -> None:
    slow_body = head(server, "POST /v1/jobs HTTP/1.1", Content_Type="application/json", Content_Length="99")
    idle = [connected(server) for _ in range(100)]
    half = [connected(server, HEAD) for _ in range(100)]
    slow = [connected(server, slow_body + b'{"kind"') for _ in range(50)]
    began = time.monotonic()
    for path in ("/healthz", "/v1/jobs", "/v1/files"):
        assert slowest_answer_seconds(server, path) < AT_ONCE_SECONDS
    for connection in half:
        status, headers, body = answer_of(connection)
        assert (status, headers["content-type"]) == (408, "application/problem+json")
        assert "within 10.0 s" in json.loads(body)["detail"]
    for connection in idle:
        assert connection.recv(1) == b""
    assert time.monotonic() - began < HEAD_SECONDS + 20
    for connection in slow:  # still welcome
        connection.sendall(b': "load_diagnostic"}'.ljust(92))
        assert answer_of(connection)[0] == 202


def test_clients_that_do_not_read_their_answer_keep_nobody_waiting(server: Server) -> None:
    content = b'{"text": "x", "label": "a"}\n' * 140_000
    form = {"purpose": "fine-tune"}
    file = httpx.post(
        f"{server.url}/v1/files", data=form, files={"file": ("a.jsonl", content)}, headers=server.headers,
        trust_env=False,
    ).json()  # fmt: skip
    asked = head(server, f"GET /v1/files/{file['id']}/content HTTP/1.1")
    unread = [connected(server, asked, small=True) for _ in range(40)]
    assert slowest_answer_seconds(server, "/v1/files") < AT_ONCE_SECONDS
    status, _, body = answer_of(unread[-1])  # and it is served when it does read
    assert (status, body) == (200, content)


def test_jobs_that_read_large_files_keep_no_one_else_waiting(server: Server) -> None:
    content = jsonl(ROWS) * 20_000
    form = {"purpose": "fine-tune"}
    file = httpx.post(
        f"{server.url}/v1/files", data=form, files={"file": ("a.jsonl", content)}, headers=server.headers,
        trust_env=False,
    ).json()  # fmt: skip
    body = {"kind": "fine_tuning", "training_file": file["id"]}

    def submit() -> None:
        httpx.post(f"{server.url}/v1/jobs", json=body, headers=server.headers, trust_env=False, timeout=60)

    submits = [threading.Thread(target=submit) for _ in range(20)]
    for thread in submits:
        thread.start()
    assert slowest_answer_seconds(server, "/healthz") < AT_ONCE_SECONDS
    assert slowest_answer_seconds(server, "/v1/files") < AT_ONCE_SECONDS
    for thread in submits:
        thread.join()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding : chunked\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: surprise\r\n\r\n", 501),
        (b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 400),
        (HEAD + b"A B: c\r\n\r\n", 400),
        (HEAD + b"Host: other\r\n\r\n", 400),
        (HEAD + b"X: a\r\n b\r\n\r\n", 400),
        (HEAD + b"X: a\0b\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (HEAD + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (HEAD + b"".join(b"X%d: y\r\n" % n for n in range(101)) + b"\r\n", 431),
    ],
)  # fmt: skip
def test_a_request_that_can_not_be_read_is_a_problem_too(server: Server, sent: bytes, status: int) -> None:
    got, headers, body = answer_of(connected(server, sent))
    problem = json.loads(body)
    assert (got, problem["status"], problem["code"]) == (status, status, "malformed_request")
    assert problem["request_id"] == headers["x-request-id"]
    assert headers["content-type"] == "application/problem+json"
    assert problem["detail"].endswith(".")
    assert len(problem["detail"].split()) > 5  # a sentence, not what the parser saw
    assert "sys." not in problem["detail"]


@pytest.mark.parametrize(
    "chunk",
    [b"zz\r\nabc\r\n", b"-1\r\nabc\r\n", b"0x5\r\nabcde\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"F" * 40 + b"\r\n"],
)
@pytest.mark.parametrize(
    ("path", "content_type"), [("/v1/jobs", "application/json"), ("/v1/files", MULTIPART)]
)
def test_a_malformed_chunk_is_the_senders_fault(
    server: Server, path: str, content_type: str, chunk: bytes
) -> None:
    sent = head(server, f"POST {path} HTTP/1.1", Transfer_Encoding="chunked", Content_Type=content_type)
    connection = connected(server, sent + b"%x\r\n%s\r\n" % (len(FORM), FORM) + chunk)
    connection.shutdown(socket.SHUT_WR)
    status, _, body = answer_of(connection)
    assert (status, json.loads(body)["code"]) == (400, "malformed_request")
    assert "Traceback" not in server.log.read_text()


def test_a_body_is_asked_for_only_where_it_is_wanted(server: Server) -> None:
    expecting = {
        "Expect": "100-continue",
        "Content_Type": MULTIPART,
        "Content_Length": str(len(FORM + END) + 2),
    }
    with connected(server, head(server, "POST /v1/files HTTP/1.1", **expecting)) as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(FORM + b"{}" + END)
        assert answer_of(connection)[0] == 200
    expecting["Authorization"] = "Bearer wrong"
    with connected(server, head(server, "POST /v1/files HTTP/1.1", **expecting)) as connection:
        assert answer_of(connection)[0] == 401


def test_a_refused_sender_can_read_why_while_it_still_sends(server: Server) -> None:
    for _ in range(20):
        sent = head(
            server, "POST /v1/files HTTP/1.1", Content_Length=str(10**7), Authorization="Bearer wrong"
        )
        with connected(server, sent + b"x" * 1_000_000) as connection:
            assert answer_of(connection)[0] == 401


def test_head_and_kept_connections_are_answered_in_order(server: Server) -> None:
    asked = [("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/v1/jobs?limit=1"), ("HEAD", "/v1/none"),
             ("GET", "/healthz")]  # fmt: skip
    with connected(server) as connection:
        seen: list[tuple[int, Any]] = []
        for method, path in asked:
            connection.sendall(head(server, f"{method} {path} HTTP/1.1"))
            status, headers, body = answer_of(connection, method)
            seen.append(
                (status, len(body) if method == "HEAD" else len(body) == int(headers["content-length"]))
            )
    assert seen == [(200, True), (200, 0), (200, True), (404, 0), (200, True)]


def test_a_client_that_closed_its_side_gets_its_answer(server: Server) -> None:
    with connected(server, head(server, "GET /v1/jobs?limit=1 HTTP/1.1")) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert answer_of(connection)[0] == 200


def test_a_stop_lets_an_upload_end_and_closes_the_port(
    tmp_path_factory: pytest.TempPathFactory, valkey: Valkey
) -> None:
    with serve(tmp_path_factory.mktemp("stopped"), valkey) as server:
        size = len(FORM + b"{}" + END)
        sent = head(server, "POST /v1/files HTTP/1.1", Content_Type=MULTIPART, Content_Length=str(size))
        uploading, idle = connected(server, sent + FORM), connected(server)
        time.sleep(0.5)
        os.kill(server.process.pid, signal.SIGTERM)
        assert idle.recv(1) == b""
        assert is_closed(server)
        uploading.sendall(b"{}" + END)
        assert answer_of(uploading)[0] == 200
        uploading.close()
        assert server.process.wait(10) == 0


def test_clients_that_hang_up_at_any_moment_leave_nothing_behind(
    tmp_path_factory: pytest.TempPathFactory, valkey: Valkey
) -> None:
    with serve(tmp_path_factory.mktemp("hung_up"), valkey) as server:
        asked = head(server, "GET /v1/jobs HTTP/1.1")
        begun = head(server, "POST /v1/jobs HTTP/1.1", Content_Type="application/json", Content_Length="99")
        for _ in range(30):
            connected(server, asked).close()
            connected(server, begun + b"{").close()
            kept = connected(server, asked)
            answer_of(kept)
            kept.sendall(asked)
            kept.close()
            gone = connected(server, asked)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()  # with a reset
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(15) == 0  # none is waited for until the graceful time is over
        assert "Forcing close" not in server.log.read_text()


def is_closed(server: Server) -> bool:
    for _ in range(60):
        try:
            connected(server)
        except ConnectionRefusedError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_sender_and_a_reader_that_fell_silent_are_given_up(server: Server) -> None:
    file = httpx.post(
        f"{server.url}/v1/files", data={"purpose": "fine-tune"}, headers=server.headers,
        files={"file": ("a.jsonl", b"x" * 4_000_000)}, trust_env=False,
    ).json()  # fmt: skip
    asked = head(server, f"GET /v1/files/{file['id']}/content HTTP/1.1")
    unread = connected(server, asked * 5, small=True)  # more than the system keeps for it
    sent = head(server, "POST /v1/files HTTP/1.1", Content_Type=MULTIPART, Content_Length="3000000")
    silent = [connected(server, sent + FORM + b"x" * size) for size in (10, 2_000_000)]  # awaited, and read
    began = time.monotonic()
    for connection in silent:
        connection.settimeout(60)
        status, _, body = answer_of(connection)
        assert (status, json.loads(body)["code"]) == (400, "malformed_request")
        assert "did not arrive completely" in json.loads(body)["detail"]
    assert 25 < time.monotonic() - began < 45
    time.sleep(10)
    assert received(unread) < 4 * 4_000_000  # what the system had of it


def received(connection: socket.socket) -> int:
    """Bytes until the other side closes."""
    taken = 0
    while piece := connection.recv(65536):
        taken += len(piece)
    return taken


@pytest.mark.parametrize("target", ["http://localhost{}", "HTTP://user@localhost:80{}"])
def test_a_target_with_scheme_and_host_is_the_same_page(server: Server, target: str) -> None:
    """RFC 9112, section 3.2.2: a server accepts the absolute form."""
    for path, status in (("/v1/jobs", 200), ("/v1/jobs?limit=0", 422), ("/nothing", 404)):
        plain = answer_of(connected(server, head(server, f"GET {path} HTTP/1.1")))
        whole = answer_of(connected(server, head(server, f"GET {target.format(path)} HTTP/1.1")))
        assert plain[0] == whole[0] == status
        assert json.loads(whole[2]).get("detail") == json.loads(plain[2]).get("detail")


def test_the_host_of_a_whole_target_counts_and_not_the_header(server: Server) -> None:
    status, _, body = answer_of(connected(server, head(server, "GET http://evil.example/v1/jobs HTTP/1.1")))
    assert (status, json.loads(body)["code"]) == (400, "malformed_request")
