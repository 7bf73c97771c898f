import pytest

from tests.unit.cli.chat.emulated_terminal import Terminal
from tests.unit.cli.chat.talking import Talking


@pytest.fixture
def talking() -> Talking:
    return Talking()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()
