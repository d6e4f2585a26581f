"""The address of a webhook: what it may look like, and what of it a request needs."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Self
from urllib.parse import urlsplit

from shared.errors import WrongField
from shared.messages.message import say
from shared.public_addresses import is_public, written_address

LONGEST_CHARACTERS = 2000
URL_PATTERN = r"^https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$"
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


@dataclass(frozen=True)
class WebhookUrl:
    """`host`: a name or an address, without brackets. `path`: with its query."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def read(cls, url: str) -> Self:
        """Raises `WrongField`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise WrongField(say("webhook-url-unreadable", url=url)) from None
        if not re.fullmatch(URL_PATTERN, url) or len(url) > LONGEST_CHARACTERS or port == 0:
            raise WrongField(say("webhook-url-unreadable", url=url[:LONGEST_CHARACTERS]))
        if parts.username is not None or parts.password is not None:
            raise WrongField(say("webhook-url-has-password"))
        named = host and (_is_ipv6(host) if "[" in parts.netloc else _NAME.fullmatch(host))
        if not host or not named:
            raise WrongField(say("webhook-url-unreadable", url=url))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(url, parts.scheme, host, port or _PORTS[parts.scheme], path)

    @property
    def place(self) -> str:
        """As the header Host has it: the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_private_as_written(self) -> bool:
        """Whether the address itself says that it leads into this machine or a private network."""
        name = self.host.rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return True
        address = written_address(self.host)
        return address is not None and not is_public(address)


def may_be_private(target: WebhookUrl, addresses: Collection[str], hosts: Collection[str]) -> bool:
    """Whether the settings allow it: one of the installation's own addresses, or a host that they name."""
    return target.url in addresses or "*" in hosts or target.host in {host.lower() for host in hosts}


def checked_url(url: str) -> str:
    """The same text. Raises `WrongField` unless it is the address of a webhook."""
    return WebhookUrl.read(url).url


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
