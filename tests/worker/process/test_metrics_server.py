"""The worker's metrics port: who is answered, and that one who says nothing is given up."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, make_wsgi_app

from services.worker.process import metrics_server


@pytest.fixture
def port() -> Iterator[int]:
    server = metrics_server.serve_metrics(make_wsgi_app(CollectorRegistry()), "127.0.0.1", 0)
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:9465", 200), ("127.0.0.1", 200), ("evil.example", 400)]
)
def test_a_page_of_another_name_reads_nothing(port: int, host: str, status: int) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Host": host}, trust_env=False)
    assert answer.status_code == status


def test_where_others_are_to_read_every_name_is_answered() -> None:
    server = metrics_server.serve_metrics(make_wsgi_app(CollectorRegistry()), "0.0.0.0", 0)
    address = f"http://127.0.0.1:{server.server_port}/metrics"
    assert httpx.get(address, headers={"Host": "worker:9465"}, trust_env=False).status_code == 200
    server.shutdown()
    server.server_close()


def test_a_silent_client_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server._Asked, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /metrics HT")
        assert connection.recv(1) == b""
