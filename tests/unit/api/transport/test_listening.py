"""Which address is bound, and how it is written."""

import socket
from collections.abc import Sequence

import pytest

from angarium.api.transport.listening import SocketAddress, resolve_listening_address, url_of

Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]

V4: Found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
V6: Found = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 80, 0, 7))


def resolved(*found: Found) -> tuple[socket.AddressFamily, SocketAddress]:
    def lookup(
        host: str, port: int, family: socket.AddressFamily, kind: socket.SocketKind
    ) -> Sequence[Found]:
        assert (host, port, family, kind) == ("name", 80, socket.AF_UNSPEC, socket.SOCK_STREAM)
        return found

    return resolve_listening_address("name", 80, lookup)


def test_a_name_with_ipv6_alone_is_bound_there_with_its_scope() -> None:
    assert resolved(V6) == (socket.AF_INET6, ("fe80::1", 80, 0, 7))


@pytest.mark.parametrize("found", [(V4, V6), (V6, V4)])
def test_a_name_with_both_is_bound_at_ipv4(found: tuple[Found, Found]) -> None:
    assert resolved(*found) == (socket.AF_INET, ("127.0.0.1", 80))


def test_the_first_address_of_a_family_is_bound() -> None:
    other: Found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80))
    assert resolved(V4, other) == (socket.AF_INET, ("127.0.0.1", 80))


def test_a_name_without_an_address_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="name has neither"):
        resolved()


def test_a_scope_that_is_no_interface_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError):
        resolve_listening_address("fe80::1%no-such-interface", 0)


def test_a_name_with_an_empty_part_is_an_error_like_any_other() -> None:
    with pytest.raises(OSError, match="not a valid host name"):
        resolve_listening_address("a..b", 0)


def test_an_address_is_written_as_clients_take_it() -> None:
    assert url_of(("127.0.0.1", 80)) == "http://127.0.0.1:80"
    assert url_of(("::1", 80, 0, 0)) == "http://[::1]:80"
    index, name = socket.if_nameindex()[0]
    assert url_of(("fe80::1", 80, 0, index)) == f"http://[fe80::1%25{name}]:80"
