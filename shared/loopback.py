"""Addresses and names of this machine alone, and what is served to nobody else."""

import re
from collections.abc import Iterable

_FORWARDED = {"forwarded", "x-forwarded-for", "x-real-ip", "via"}
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_loopback(host: str) -> bool:
    """Whether what listens on `host` is reached from this machine alone."""
    return host in LOOPBACK or re.fullmatch(r"127\.\d+\.\d+\.\d+", host) is not None


def names_loopback(host_header: str) -> bool:
    """No page of another name, made to point here, may read us through a browser on this machine."""
    return is_loopback(re.sub(r":\d+$", "", host_header).strip("[]").lower())


def may_ask(host_header: str, *, listens_on: str) -> bool:
    """Whether a request with this `Host` is answered by what listens on the address `listens_on`."""
    return not is_loopback(listens_on) or names_loopback(host_header)


def is_near(address: str, header_names: Iterable[str]) -> bool:
    """Whether a request from `address` was made on this machine, and not sent on by a proxy that is here."""
    return is_loopback(address) and _FORWARDED.isdisjoint(name.lower() for name in header_names)
