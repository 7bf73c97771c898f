import pytest

from angarium.api.host_check import MAX_KNOWN, HostCheck
from angarium.api.request_headers import Headers
from angarium.domain.errors import Code, Refused


def taken(check: HostCheck, host: str) -> bool:
    try:
        check.check(Headers([("Host", host)]))
    except Refused as refused:
        (problem,) = refused.problems
        assert problem.code is Code.MISDIRECTED_REQUEST
        return False
    return True


LOOPBACK = [
    "localhost",
    "LocalHost",
    "localhost:8080",
    "localhost:",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.255.0.9:8080",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]:1",
    "[::ffff:127.0.0.1]:8080",
]
FOREIGN = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "xlocalhost",
    "sub.localhost",
    "127.1",
    "2130706433.evil.example",
    "192.0.2.9",
    "[2001:db8::9]",
]


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "localhost", "192.0.2.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("host", LOOPBACK)
def test_this_machines_own_names_are_always_taken(bound: str, host: str) -> None:
    assert taken(HostCheck([bound]), host)


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "localhost", "192.0.2.1"])
@pytest.mark.parametrize("host", [*FOREIGN, "api", "0.0.0.0", "[::]"])
def test_no_other_host_is(bound: str, host: str) -> None:
    assert not taken(HostCheck([bound]), host)


@pytest.mark.parametrize(
    ("bound", "host"),
    [
        ("192.0.2.1", "192.0.2.1:8080"),
        ("2001:db8::1", "[2001:DB8:0::1]:8080"),
        ("fe80::1%eth0", "[fe80::1]"),
        ("Chat.example", "chat.EXAMPLE:8080"),
    ],
)
def test_the_bound_address_is_taken_however_it_is_written(bound: str, host: str) -> None:
    assert taken(HostCheck([bound]), host)


def test_further_names_are_taken() -> None:
    check = HostCheck(["127.0.0.1"], ["chat.example.org", "192.0.2.7"])
    assert taken(check, "chat.example.org")
    assert taken(check, "192.0.2.7:3000")
    assert not taken(check, "evil.example")


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
def test_bound_to_every_address_it_takes_addresses_and_names_that_no_web_site_has(
    bound: str,
) -> None:
    check = HostCheck([bound])
    for host in ("192.0.2.9:8080", "[2001:db8::9]", "api", "haproxy:8080", "my-machine"):
        assert taken(check, host)
    for host in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.1",
        "api.",
    ):
        assert not taken(check, host)


def test_a_request_without_a_host_is_taken() -> None:
    HostCheck(["127.0.0.1"]).check(Headers([]))


def test_the_refusal_names_what_was_sent_and_what_is_taken() -> None:
    with pytest.raises(Refused) as refused:
        HostCheck(["192.0.2.1"], ["chat.example.org"]).check(
            Headers([("Host", "evil.example:80")])
        )
    for part in (
        '"evil.example:80"',
        "localhost",
        "192.0.2.1",
        "chat.example.org",
        "ANGARIUM_CORS_ORIGINS",
    ):
        assert part in str(refused.value)


def test_what_is_remembered_is_bounded_and_changes_nothing() -> None:
    check = HostCheck(["127.0.0.1"])
    for _ in range(2):
        for port in range(3 * MAX_KNOWN):
            assert taken(check, f"localhost:{port}")
            assert not taken(check, f"evil.example:{port}")
    assert len(check._known) <= MAX_KNOWN
