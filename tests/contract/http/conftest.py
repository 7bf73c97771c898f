"""Two users and their conversation, on every service that docs/http.md
is held against.
"""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.contract.http.client import Client, Person, Talk
from tests.contract.http.services import SERVICES, Service, started

_numbers = count(1)


# Not of the session: a worker that goes on would meet the outages of
# other tests, and cost what they measure.
@pytest.fixture(scope="package", params=SERVICES)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with started(request, tmp_path_factory) as running:
        yield running


@pytest.fixture
def stranger(service: Service) -> Client:
    return service.stranger()


@pytest.fixture
def newcomer(service: Service) -> Callable[[str], Person]:
    """Make people whom no other test knows, logged in."""
    return lambda name: service.person(f"{name}-{next(_numbers)}")


@pytest.fixture
def alice(newcomer: Callable[[str], Person]) -> Person:
    return newcomer("alice")


@pytest.fixture
def bob(newcomer: Callable[[str], Person]) -> Person:
    return newcomer("bob")


@pytest.fixture
def talk(alice: Person, bob: Person) -> Talk:
    opened = alice.client.post("/v1/conversations", {"participant_ids": [str(bob.user_id)]})
    assert opened.status == 201
    return Talk(opened.text("conversation_id"), alice, bob)
