"""Nothing but a name reaches the statements that make the keyspace."""

import pytest

from angarium.domain.errors import SetupError
from angarium.engines.cassandra import schema
from angarium.engines.cassandra.cluster import CassandraAddress


@pytest.mark.parametrize(
    ("name", "datacenter", "setting"),
    [
        ("angarium", "dc'1", "ANGARIUM_DATACENTER"),
        ("angarium", "dc1': 3, 'dc2", "ANGARIUM_DATACENTER"),
        ("angarium", "", "ANGARIUM_DATACENTER"),
        ('an"garium', "dc1", "ANGARIUM_KEYSPACE"),
    ],
)
def test_what_is_no_name_is_refused_before_a_server_is_asked(
    name: str, datacenter: str, setting: str
) -> None:
    address = CassandraAddress(
        [("127.0.0.1", 1)], name, datacenter, "LOCAL_QUORUM", None, None, None
    )
    with pytest.raises(SetupError, match=f"is not a valid .* name: .*; change {setting}"):
        schema.prepare(address, 2, 0.0)
