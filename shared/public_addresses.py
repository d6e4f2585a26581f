"""Which addresses are the public internet's, and which lead into this machine or a network of one's own."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: the last 32 bits are an IPv4 address
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NOT_PUBLIC = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "3fff::/20")  # special purposes, documentation
)


def is_public(text: str) -> bool:
    """Whether an address, as a lookup gives it, is one of the public internet.

    `ip_address.is_global` of Python 3.11 is True of multicast, and of addresses that carry a private IPv4
    address within them (NAT64, 6to4): those are not public here.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_4(address)
    if inner := _inside(address):
        return _is_public_4(inner)
    return address in _GLOBAL_UNICAST and address.is_global and not any(address in net for net in _NOT_PUBLIC)


def written_address(host: str) -> str | None:
    """The address that `host` spells, in any form that the system understands: `127.1`, `0x7f000001`,
    `017700000001`, `2130706433`; None for a name.
    """
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]").partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeEncodeError):
        return None


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address may end at."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    return None
