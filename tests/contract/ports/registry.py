"""The engines that every suite runs on. A new one is a file in
`engines/` and a line or two here.
"""

import pytest

from tests.contract.ports.engines.embedded import AFTER_REMOVAL, EMBEDDED
from tests.contract.ports.engines.fakes import FAKES
from tests.contract.ports.engines.kafka_and_cassandra import KAFKA_AND_CASSANDRA

_FAKES = pytest.param(FAKES, id="fakes")
_EMBEDDED = pytest.param(EMBEDDED, id="embedded")
# An engine that needs servers takes them from a fixture of the session
# and carries the mark.
_KAFKA_AND_CASSANDRA = pytest.param(
    KAFKA_AND_CASSANDRA, id="kafka+cassandra", marks=pytest.mark.engines
)

ENGINES = [_FAKES, _EMBEDDED, _KAFKA_AND_CASSANDRA]

LOGS = [*ENGINES, pytest.param(AFTER_REMOVAL, id="embedded after removal")]
"""Every kind of log: also one that retention has removed records from.
"""

SHARING_GROUPS = [_FAKES, _KAFKA_AND_CASSANDRA]
"""Engines where several consumers of one group share its partitions out
among themselves.
"""
