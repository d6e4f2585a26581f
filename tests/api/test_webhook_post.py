"""One POST: within its limit of time, to the address that was checked, under the name that was meant."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from services.api.webhooks.post import Answer, NotSent, post
from services.api.webhooks.schedule import next_wait
from shared.messages.render import in_english
from shared.webhook_url import WebhookUrl


@contextmanager
def listener(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port at which `serve` has the first connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def posted(url: str, *, limit_seconds: float = 5.0) -> Answer:
    return post(
        WebhookUrl.read(url),
        {"webhook-id": "evt_1"},
        b"{}",
        may_be_private=True,
        limit_seconds=limit_seconds,
        lookup=lambda *_, **__: ["127.0.0.1"],
    )


def refusal(url: str, *, limit_seconds: float = 5.0) -> str:
    with pytest.raises(NotSent) as refused:
        posted(url, limit_seconds=limit_seconds)
    return in_english(refused.value.said)


def heard(connection: socket.socket) -> bytes:
    return connection.recv(65536)


def test_tls_asks_for_the_name_and_not_for_the_address_that_it_led_to() -> None:
    hello: list[bytes] = []
    with listener(lambda connection: hello.append(heard(connection))) as port:
        assert refusal(f"https://name.example:{port}/").startswith(
            f"There is no connection to name.example:{port}"
        )
    assert b"name.example" in hello[0]


def test_a_receiver_that_sends_byte_by_byte_has_no_more_time_than_another() -> None:
    def drip(connection: socket.socket) -> None:
        heard(connection)
        with suppress(OSError):
            while True:
                connection.sendall(b"H")
                time.sleep(0.05)

    began = time.monotonic()
    with listener(drip) as port:
        assert "did not answer within" in refusal(f"http://name.example:{port}/", limit_seconds=0.3)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"hello\r\n\r\n", b"HTTP/1.1 2OO OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000,
    ],
    ids=["nothing", "words", "letters", "half", "endless"],
)  # fmt: skip
def test_what_is_no_answer_of_http_is_no_success(answer: bytes) -> None:
    def say(connection: socket.socket) -> None:
        heard(connection)
        with suppress(OSError):
            connection.sendall(answer)

    with listener(say) as port:
        assert refusal(f"http://name.example:{port}/") == "The answer was no HTTP."


def test_an_answer_that_only_says_that_one_comes_is_not_the_answer() -> None:
    def say(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n"
        )

    with listener(say) as port:
        answer = posted(f"http://name.example:{port}/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")


def test_the_request_names_the_host_and_the_path_as_they_were_written() -> None:
    requests: list[bytes] = []

    def say(connection: socket.socket) -> None:
        requests.append(heard(connection))
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    with listener(say) as port:
        assert posted(f"http://name.example:{port}/a?b=c").status == 200
    head = requests[0].decode().splitlines()
    assert head[:2] == ["POST /a?b=c HTTP/1.1", f"Host: name.example:{port}"]
    assert {"Content-Length: 2", "Connection: close", "webhook-id: evt_1"} <= set(head)


def test_a_host_that_is_not_found_is_told() -> None:
    def not_found(*_: object, **__: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    target = WebhookUrl.read("https://name.example/")
    with pytest.raises(NotSent) as refused:
        post(target, {}, b"", may_be_private=False, limit_seconds=5, lookup=not_found)
    assert in_english(refused.value.said) == "The host name.example was not found: Name or service not known."


def test_the_tenth_failure_is_the_last() -> None:
    assert next_wait(9) is not None
    assert next_wait(10) is None
    assert next_wait(10, 60) is None
