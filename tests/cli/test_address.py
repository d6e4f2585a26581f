"""Which service the commands talk to."""

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.cli.address import address, api_urls, is_loopback, server_url
from services.cli.failure import ServerUnreachable, UsageError
from services.cli.server import UNKNOWN_NAME, connect
from services.cli.stack_state import StackState, process_start, write_state
from shared.messages.render import render
from shared.settings import Settings


def settings(data_dir: Path, **given: Any) -> Settings:
    return Settings(data_dir=data_dir, **given)


@pytest.fixture
def running(tmp_path: Path) -> str:
    """The address of a stack that runs on the data folder (this process, as far as the note tells)."""
    url = "http://127.0.0.1:4321"
    write_state(tmp_path, StackState(pid=os.getpid(), pid_start=process_start(os.getpid()), url=url))
    return url


@pytest.mark.parametrize(
    ("host", "urls"),
    [
        ("127.0.0.2", ("http://127.0.0.2:99",)),
        ("0.0.0.0", ("http://127.0.0.1:99",)),
        ("::", ("http://[::1]:99", "http://127.0.0.1:99")),
        ("[::]", ("http://[::1]:99", "http://127.0.0.1:99")),
        ("fe80::1", ("http://[fe80::1]:99",)),
        ("gpu-box", ("http://gpu-box:99",)),
    ],
)
def test_what_listens_everywhere_is_reached_here_and_the_rest_where_it_is(
    tmp_path: Path, host: str, urls: tuple[str, ...]
) -> None:
    assert api_urls(settings(tmp_path, api_host=host, api_port=99)) == urls


def test_the_stack_of_the_data_folder_is_meant_where_nothing_else_is_named(
    tmp_path: Path, running: str
) -> None:
    assert address(settings(tmp_path)).urls == (running,)


def test_a_host_that_is_named_is_never_silently_another(tmp_path: Path, running: str) -> None:
    place = address(settings(tmp_path, api_host="127.0.0.2"))
    assert place.urls == ("http://127.0.0.2:8080",)
    assert "Unset TUNEDOCK_API_HOST" in render(place.remedy)
    assert running in render(place.remedy)


def test_the_stack_s_own_settings_name_the_stack(tmp_path: Path, running: str) -> None:
    place = address(settings(tmp_path, api_host="127.0.0.1", api_port=4321))
    assert (place.urls, render(place.remedy)) == ((running,), "Start it with: ./tunedock up")


def test_a_server_that_is_named_comes_before_everything_and_is_not_ours(tmp_path: Path, running: str) -> None:
    place = address(settings(tmp_path, server="gpu-box:8080", api_host="127.0.0.2"))
    assert (place.urls, place.is_own) == (("http://gpu-box:8080",), False)
    assert address(settings(tmp_path, server=running)).is_own


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("gpu-box", "http://gpu-box"),
        ("192.168.1.5:8080/", "http://192.168.1.5:8080"),
        ("http://[::1]:8080/v1/", "http://[::1]:8080"),
        ("https://Example.org/tunedock/v1", "https://example.org/tunedock"),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, url: str) -> None:
    assert server_url(text) == url


@pytest.mark.parametrize(
    "text", ["", "ftp://host", "http://", "host:port", "host:99999", "a b", "http://u:p@h", "a..b", "x" * 64]
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        server_url(text)
    assert "--server" in caught.value.remedy
    assert "p@" not in caught.value.message


def test_a_bare_ipv6_address_is_told_of_its_brackets() -> None:
    with pytest.raises(UsageError) as caught:
        server_url("::1")
    assert caught.value.remedy == "An IPv6 address must be in brackets: http://[::1]:8080."


def test_tls_asked_of_a_server_without_it_is_told_as_that(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def speak_http() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=speak_http, daemon=True).start()
        with pytest.raises(ServerUnreachable) as caught:
            connect(settings(tmp_path, server=f"https://127.0.0.1:{plain.getsockname()[1]}"))
    assert "http://, not https://" in caught.value.remedy


def test_only_this_machine_is_reached_without_its_proxy() -> None:
    assert [is_loopback(f"http://{host}:1") for host in ("127.0.0.2", "[::1]", "localhost", "10.0.0.1")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_a_name_without_an_address_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        connect(settings(tmp_path, server="http://nobody.invalid:8080", api_key=SecretStr("k")))
    assert caught.value.advice == UNKNOWN_NAME
