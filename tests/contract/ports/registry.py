"""The engines that every suite runs on. A new one is a file in `engines/` and a line or two here."""

import pytest

from tests.contract.ports.engines.embedded import open_embedded
from tests.contract.ports.engines.fakes import open_fakes

# An engine that needs servers takes them from a fixture of the session and carries the mark `engines`:
# pytest.param(open_kafka_and_cassandra, id="kafka+cassandra", marks=pytest.mark.engines).
_FAKES = pytest.param(open_fakes, id="fakes")
_EMBEDDED = pytest.param(open_embedded, id="embedded")

ENGINES = [_FAKES, _EMBEDDED]

SHARING_GROUPS = [_FAKES]
"""Engines where several consumers of one group share its partitions out among themselves."""
