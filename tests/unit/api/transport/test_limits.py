import resource
import subprocess
import sys

import pytest

from angarium.api.transport.limits import MAX_CONNECTIONS, allowed_connections

TOLD = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from angarium.api.transport.limits import allowed_connections
print(allowed_connections(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def allowed(soft: int, hard: int) -> list[int]:
    code = TOLD.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2048, reason="the machine allows too few files"
)
def test_the_limit_of_open_files_is_raised_and_some_are_left_for_others() -> None:
    assert allowed(256, 2048) == [2048 - 128, 2048]


def test_a_low_limit_allows_few_connections() -> None:
    assert allowed(200, 200) == [72, 200]
    assert allowed(100, 100) == [16, 100]


def test_there_is_an_upper_bound_on_any_machine() -> None:
    assert 16 <= allowed_connections() <= MAX_CONNECTIONS
