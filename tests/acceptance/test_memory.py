"""What one instance may take, whatever its users ask: 200 MiB at the
peak (docs/adr/0007).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.memory_attacks import (
    Target,
    log_in_wrongly,
    peak_mib,
    read_pages,
    reading_nothing,
    send_largest,
    sending_halves,
)
from tests.acceptance.service import Service, running

MAX_MIB = 200.0

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process's peak"
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own, whose peak no other test has
    raised.
    """
    with running(tmp_path) as started:
        yield started


@pytest.fixture
def target(service: Service) -> Target:
    return Target.prepare(service.port)


def test_pages_of_control_characters_that_many_read_at_once_and_others_do_not_take(
    service: Service, target: Target
) -> None:
    statuses = read_pages(target, readers=12, rounds=2)
    assert set(statuses) <= {200, 503}
    with reading_nothing(target, readers=150):
        assert set(read_pages(target, readers=40, rounds=2)) <= {0, 200, 503}
        # Somebody else is served meanwhile.
        other = target.seen_by("bob")
        assert read_pages(other, readers=1, rounds=5)[200]
        assert send_largest(other, senders=1, rounds=5)[202]
    assert service.process.poll() is None
    assert peak_mib(service.process.pid) < MAX_MIB


def test_the_largest_messages_of_many_senders_half_bodies_and_logins(
    service: Service, target: Target
) -> None:
    with sending_halves(target, clients=600):
        statuses = send_largest(target, senders=60, rounds=10)
        assert statuses[202]
        assert set(statuses) <= {0, 202, 503}
        assert set(log_in_wrongly(target, clients=40)) <= {0, 401, 429, 503}
        statuses = read_pages(target, readers=20, rounds=1)
    assert send_largest(target, senders=1, rounds=1)[202] == 1
    assert service.process.poll() is None
    assert peak_mib(service.process.pid) < MAX_MIB
