"""How addresses are read: IPv4 written as IPv6 is IPv4."""

from ipaddress import ip_address, ip_network

import pytest

from angarium.domain.ip_addresses import client_key, is_loopback, parse_address, parse_network


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("fe80::1%lo", "fe80::1%lo"),
    ],
)
def test_an_address_is_read_as_what_it_means(text: str, meant: str) -> None:
    assert parse_address(text) == ip_address(meant)


@pytest.mark.parametrize(
    "text", ["", "localhost", "[::1]", "192.0.2.7:80", "192.0.2", "::ffff:192.0.2.7/96"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("fd00::/8", "fd00::/8"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_is_read_as_what_it_means(text: str, meant: str) -> None:
    assert parse_network(text) == ip_network(meant)


@pytest.mark.parametrize("text", ["", "proxy", "10.0.0.1/8", "::ffff:10.0.0.1/104", "10.0.0.0/33"])
def test_what_is_no_network_is_none(text: str) -> None:
    assert parse_network(text) is None


def test_the_network_around_an_address_is_found_where_it_is_asked_for() -> None:
    assert parse_network("::ffff:10.0.0.1/104", strict=False) == ip_network("10.0.0.0/8")


def test_a_client_is_counted_once_however_its_address_is_written() -> None:
    assert client_key("192.0.2.7") == client_key("::ffff:192.0.2.7") == "192.0.2.7"
    assert client_key("::ffff:192.0.2.7") != client_key("::ffff:192.0.2.8")
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:1%eth0")
    assert client_key("2001:db8::1") != client_key("2001:db8:0:1::1")
    assert client_key("unix") == "unix"


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_only_this_machine_reaches_a_loopback_address(text: str) -> None:
    assert is_loopback(text)


@pytest.mark.parametrize(
    "text", ["0.0.0.0", "::", "::ffff:10.0.0.1", "fe80::1%lo", "localhost", "128.0.0.1"]
)
def test_others_may_reach_any_other_address(text: str) -> None:
    assert not is_loopback(text)
