"""The engines that every suite runs on. A new one is a file in `engines/` and a line or two here."""

import pytest

from tests.contract.ports.engines.cassandra import open_cassandra
from tests.contract.ports.engines.embedded import open_embedded
from tests.contract.ports.engines.fakes import open_fakes
from tests.contract.ports.engines.kafka import open_kafka

# An engine that needs servers takes them from a fixture of the session and carries the mark `engines`:
# pytest.param(open_kafka_and_cassandra, id="kafka+cassandra", marks=pytest.mark.engines).
_FAKES = pytest.param(open_fakes, id="fakes")
_EMBEDDED = pytest.param(open_embedded, id="embedded")

_CASSANDRA = pytest.param(open_cassandra, id="cassandra", marks=pytest.mark.engines)
_KAFKA = pytest.param(open_kafka, id="kafka", marks=pytest.mark.engines)

ENGINES = [_FAKES, _EMBEDDED, _KAFKA, _CASSANDRA]

SHARING_GROUPS = [_FAKES, _KAFKA]
"""Engines where several consumers of one group share its partitions out among themselves."""
