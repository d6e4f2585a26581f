"""Who is this machine, by address and by the name a browser sends."""

import pytest

from shared.loopback import is_loopback, is_near, may_ask, names_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_an_address_of_this_machine_answers_its_own_names_alone(host: str) -> None:
    assert is_loopback(host)
    assert may_ask("localhost:9464", listens_on=host)
    assert not may_ask("evil.example:9464", listens_on=host)
    assert not may_ask("", listens_on=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "127.0.0.1.evil.example"])
def test_an_address_that_others_reach_answers_every_name(host: str) -> None:
    assert not is_loopback(host)
    assert may_ask("api:9464", listens_on=host)


@pytest.mark.parametrize("name", ["[::1]:8080", "127.0.0.1:8080", "LOCALHOST"])
def test_a_port_and_brackets_are_no_part_of_a_name(name: str) -> None:
    assert names_loopback(name)


def test_who_asks_through_a_proxy_is_elsewhere() -> None:
    assert is_near("127.0.0.1", ["Host"])
    assert not is_near("10.0.0.7", ["Host"])
    assert not is_near("127.0.0.1", ["Host", "X-Forwarded-For"])
