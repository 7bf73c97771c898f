from ipaddress import ip_network

import pytest

from angarium.api.client_address import client_address

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def test_without_trusted_proxies_the_field_is_not_believed() -> None:
    assert client_address("203.0.113.9", ["1.2.3.4"], []) == "203.0.113.9"


def test_a_stranger_is_not_believed() -> None:
    assert client_address("203.0.113.9", ["1.2.3.4"], PROXIES) == "203.0.113.9"


def test_a_trusted_proxy_is_believed() -> None:
    assert client_address("10.0.0.1", ["203.0.113.9"], PROXIES) == "203.0.113.9"


def test_what_a_client_claims_before_the_proxies_is_not_believed() -> None:
    assert client_address("10.0.0.1", ["1.2.3.4, 203.0.113.9, 10.0.0.2"], PROXIES) == "203.0.113.9"


def test_several_fields_are_one_list() -> None:
    assert (
        client_address("10.0.0.1", ["1.2.3.4", "203.0.113.9", "10.0.0.2"], PROXIES)
        == "203.0.113.9"
    )


def test_a_chain_of_proxies_alone_ends_at_the_farthest() -> None:
    assert client_address("10.0.0.1", ["10.0.0.3, 10.0.0.2"], PROXIES) == "10.0.0.3"
    assert client_address("10.0.0.1", [], PROXIES) == "10.0.0.1"


def test_what_is_no_address_ends_the_walk() -> None:
    assert client_address("10.0.0.1", ["203.0.113.9, unknown, 10.0.0.2"], PROXIES) == "10.0.0.2"
    assert client_address("10.0.0.1", [""], PROXIES) == "10.0.0.1"


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_one_client_has_one_address_however_it_is_written(hop: str, address: str) -> None:
    assert client_address("10.0.0.1", [hop], PROXIES) == address


def test_a_proxy_is_known_by_its_address_inside_ipv6() -> None:
    assert client_address("::ffff:10.0.0.1", ["203.0.113.9"], PROXIES) == "203.0.113.9"
    assert client_address("fd00::1", ["203.0.113.9"], PROXIES) == "203.0.113.9"


def test_a_peer_that_is_no_address_stays_what_it_is() -> None:
    assert client_address("", ["1.2.3.4"], PROXIES) == ""
