"""What one instance of each half may take on Kafka and Cassandra: 200
MiB at the peak (docs/adr/0007).
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.memory_attacks import (
    CONTROL,
    Statuses,
    Target,
    log_in_wrongly,
    peak_mib,
    read_pages,
    reading_nothing,
    send_largest,
    sending_halves,
    side_by_side,
)
from tests.acceptance.service import Service, until
from tests.integration.faults.cluster import Cluster, cluster

MAX_MIB = 200.0

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak"),
]


@pytest.fixture(scope="module")
def keyspace() -> str:
    """One keyspace for all: making its tables on two nodes takes long
    on a busy machine.
    """
    return f"memory_{uuid4().hex[:8]}"


@pytest.fixture
def service(tmp_path: Path, kafka: str, cassandra: str, keyspace: str) -> Iterator[Cluster]:
    """A prepared cluster whose instances have no peak of another
    test's.
    """
    with cluster(tmp_path, kafka, cassandra, keyspace) as made:
        yield made


@pytest.fixture
def api(service: Cluster) -> Service:
    return service.api()


@pytest.fixture
def worker(service: Cluster) -> Service:
    return service.worker()


@pytest.fixture
def targets(service: Cluster, api: Service, worker: Service) -> Sequence[Target]:
    """Two conversations as their four members see them: whoever is
    alone gets a quarter of the threads.
    """
    assert worker.process.poll() is None
    one, two, three, four = service.names
    first = Target.prepare(api.port, one, two, service.password)
    second = Target.prepare(api.port, three, four, service.password)
    password = service.password
    return [first, first.seen_by(two, password), second, second.seen_by(four, password)]


def all_read_pages(targets: Sequence[Target], readers: int, rounds: int) -> Statuses:
    """Let everybody read with many clients at once."""
    return side_by_side(len(targets), lambda number: read_pages(targets[number], readers, rounds))


def stays_small(instance: Service) -> bool:
    """Tell whether an instance runs, and always had less than it may
    have.
    """
    return instance.process.poll() is None and peak_mib(instance.process.pid) < MAX_MIB


def await_served(target: Target) -> None:
    """Wait until a page and a message of somebody who asks for no more
    go through again.
    """
    until(lambda: read_pages(target, 1, 1)[200] == 1, "a page is read again")
    until(lambda: send_largest(target, 1, 1)[202] == 1, "a message is taken again")


def test_pages_of_control_characters_that_many_read_at_once_and_others_do_not_take(
    api: Service, worker: Service, targets: Sequence[Target]
) -> None:
    one, other, third, fourth = targets
    assert read_pages(one, readers=12, rounds=2)[200]
    assert set(read_pages(one, readers=40, rounds=2)) <= {200, 503}
    assert all_read_pages(targets, readers=12, rounds=3)[200]
    with reading_nothing(one, readers=150):
        assert set(all_read_pages([other, third, fourth], readers=12, rounds=2)) <= {0, 200, 503}
    await_served(other)
    assert stays_small(api), peak_mib(api.process.pid)
    assert stays_small(worker), peak_mib(worker.process.pid)


def test_the_largest_messages_of_many_senders_half_bodies_logins_and_a_lag_of_them(
    service: Cluster, api: Service, worker: Service, targets: Sequence[Target]
) -> None:
    assert worker.terminate() == 0
    one, other, third, _ = targets
    with sending_halves(one, clients=600):
        statuses = side_by_side(
            2, lambda number: send_largest([one, third][number], senders=30, rounds=20)
        )
        assert statuses[202]
        assert set(statuses) <= {0, 202, 503}
        assert set(log_in_wrongly(one, clients=40)) <= {0, 401, 429, 503}
    await_served(other)
    assert stays_small(api), peak_mib(api.process.pid)
    with closing(Caller(api.url)) as caller:
        caller.token = one.token
        send = partial(caller.send, one.conversation, CONTROL, str(uuid4()))
        until(lambda: send().status == 202, "the last message is taken")
        late = service.worker()
        one.await_stored(caller, send())
    assert stays_small(late), peak_mib(late.process.pid)
    assert stays_small(api), peak_mib(api.process.pid)
