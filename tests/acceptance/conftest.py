from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import Service, running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running service for a module's tests that do not stop it."""
    with running(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def alice(service: Service) -> Iterator[Caller]:
    caller = Caller(service.url).log_in("alice")
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def bob(service: Service) -> Iterator[Caller]:
    caller = Caller(service.url).log_in("bob")
    yield caller
    caller.close()
