"""The address of a webhook: what is none, what leads into a network of one's own, and what is public."""

import pytest

from shared.errors import WrongField
from shared.public_addresses import is_public
from shared.webhook_url import WebhookUrl, may_be_private


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LOCALHOST.", "api.localhost", "10.1.2.3", "172.16.0.1", "192.168.1.5",
        "169.254.169.254", "100.64.0.1", "0.0.0.0", "2130706433", "0x7f000001", "017700000001", "127.1", "0",
        "0177.0.0.1", "127.0.0.1.", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[fec0::1]",
        "[fe80::1%25eth0]",
        "[::ffff:10.0.0.1]", "[::10.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b:1::a00:1]", "[2002:a00:1::]",
        "[2001:0:a00:1::]", "[ff0e::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1",
    ],
)  # fmt: skip
def test_a_private_address_is_known_in_every_way_it_is_written(host: str) -> None:
    assert WebhookUrl.read(f"http://{host}:8080/hook").is_private_as_written


@pytest.mark.parametrize(
    "host",
    ["example.com", "8.8.8.8", "134744072", "[2606:4700::1]", "[::ffff:8.8.8.8]", "[64:ff9b::808:808]"],
)  # fmt: skip
def test_a_public_address_and_a_name_are_not_private_as_they_are_written(host: str) -> None:
    assert not WebhookUrl.read(f"http://{host}/hook").is_private_as_written


@pytest.mark.parametrize("address", ["", "name", "8.8.8.8.8", "fe80::1%2", "::1", "64:ff9b::7f00:1"])
def test_what_is_no_public_address_is_none(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "example.com", "https://", "https:///path", "http://user:word@example.com/",
        "http://user@example.com/", "https://exämple.com/", "https://１２７.0.0.1/",
        "https://example.com/a b",
        "https://example.com:0/", "https://example.com:99999/", "https://example.com:x/", "http://[::1/",
        "https://ex\r\nample.com/", "https://example.com/\n", "https://-x/", "https://.com/", "https://a..b/",
        "https://example.com\\@127.0.0.1/", "https://" + "a." * 1000 + "com/", "https://[v1.x]/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(WrongField):
        WebhookUrl.read(url)


@pytest.mark.parametrize(
    ("url", "place", "port", "path"),
    [
        ("https://Example.com", "example.com", 443, "/"),
        ("http://example.com:80/a?b=c&d=%20#e", "example.com", 80, "/a?b=c&d=%20"),
        ("https://example.com:8443/a;b", "example.com:8443", 8443, "/a;b"),
        ("http://[2606:4700::1]:81/", "[2606:4700::1]:81", 81, "/"),
    ],
)
def test_an_address_is_read_as_a_request_needs_it(url: str, place: str, port: int, path: str) -> None:
    read = WebhookUrl.read(url)
    assert (read.place, read.port, read.path) == (place, port, path)


def test_one_of_the_installation_s_own_addresses_may_be_private_and_no_other_of_its_host() -> None:
    own = "http://127.0.0.1:9000/hook"
    assert may_be_private(WebhookUrl.read(own), [own], [])
    assert not may_be_private(WebhookUrl.read("http://127.0.0.1:6379/"), [own], [])
    assert may_be_private(WebhookUrl.read("http://N8N.lan/"), [], ["n8n.LAN"])
    assert may_be_private(WebhookUrl.read("http://10.0.0.1/"), [], ["*"])
