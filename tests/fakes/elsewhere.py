"""Another address of this machine than everybody uses."""

import sys

import pytest

ELSEWHERE = "127.0.0.2"
elsewhere = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 at once"
)
