"""One client, or many, ask for all they can get: nobody else is
refused, or waits behind them.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import Service, running, until
from tests.attacks import Flood, half_requests, login, page

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 at once"
)

TURNS = 20
CONNECTIONS = 300
MAX_IN_HAND = 64
OPEN_FILES = 328
"""Of which 128 are reserved: 200 connections."""
LIMITED = (
    "sh",
    "-c",
    f'ulimit -n {OPEN_FILES}; exec "$@"',
    "sh",
    sys.executable,
    "-m",
    "angarium",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("attacked")
    with running(folder, ANGARIUM_MAX_INFLIGHT=str(MAX_IN_HAND)) as started:
        yield started


def statuses_of_others(caller: Caller, conversation: str, flood: Flood) -> set[int]:
    """Send and read as a light user does while the flood is on: the
    statuses that came.
    """
    until(lambda: sum(flood.statuses.values()) > CONNECTIONS, "the flood")
    found = set()
    for number in range(TURNS):
        found.add(caller.send(conversation, f"message {number}").status)
        found.add(caller.call("GET", "/v1/users/me").status)
    return found


@pytest.mark.parametrize("addresses", [1, 8])
@pytest.mark.parametrize("password", ["wrong", "carol-demo"])
def test_nobody_notices_a_flood_of_logins(
    service: Service, alice: Caller, password: str, addresses: int
) -> None:
    conversation = alice.open_conversation("bob")
    username = "carol" if password == "carol-demo" else "nobody-{}"
    flood = Flood(
        service.url,
        CONNECTIONS,
        lambda number: login(username.format(number), password),
        addresses,
        0.2,
    )
    with flood:
        assert statuses_of_others(alice, conversation, flood) == {200, 202}
        until(
            lambda: flood.statuses[401] + flood.statuses[200] >= addresses,
            "a turn of each address",
        )
        with Caller(service.url) as elsewhere:
            elsewhere.log_in("dave")
    assert set(flood.statuses) <= {200, 401, 429, 503}
    assert flood.statuses[503] > 0, "more were wanted than there is room for"


def test_a_right_login_waits_for_no_more_than_one_of_another_address(tmp_path: Path) -> None:
    with running(tmp_path) as fresh:
        flood = Flood(fresh.url, 110, lambda number: login(f"user{number}", "wrong"), pause_s=3600)
        with flood:
            until(lambda: flood.statuses[503] > 0, "the queue of one address to be full")
            before = flood.statuses[401]
            with Caller(fresh.url) as elsewhere:
                elsewhere.log_in("alice")
            assert flood.statuses[401] - before <= 3


def test_a_user_who_reads_all_he_can_is_the_only_one_who_is_refused(
    service: Service, alice: Caller
) -> None:
    conversation = alice.open_conversation("bob")
    with Caller(service.url) as carol:
        carol.log_in("carol")
        long_one = carol.open_conversation("dave")
        for _ in range(100):
            assert carol.send(long_one, "x" * 1_500).status == 202
        flood = Flood(service.url, CONNECTIONS, lambda _: page(long_one, carol.token))
        with flood:
            assert statuses_of_others(alice, conversation, flood) == {200, 202}
    assert set(flood.statuses) == {200, 503}


def test_half_sent_requests_on_every_connection_keep_nobody_out(tmp_path: Path) -> None:
    with (
        running(tmp_path, launcher=LIMITED) as small,
        half_requests(small.url, OPEN_FILES - 128) as held,
    ):
        for _ in range(5):
            with Caller(small.url) as caller:
                caller.log_in("alice")
        # One that made room was told, and there is one line about all
        # of them.
        assert held[0].recv(100).startswith(b"HTTP/1.1 503")
        small.terminate()
        full = [line for line in small.log_lines() if line["action"] == "connections_full"]
        assert full
        assert len(full) <= 2
        assert full[0]["address"] == "127.0.0.2"
