"""What commands that only look are given."""

from angarium.config import Settings
from angarium.wiring import outage_patience_s


def test_a_command_waits_longer_for_servers_than_for_a_disk() -> None:
    servers = {
        "ANGARIUM_KAFKA": "127.0.0.1:9092",
        "ANGARIUM_CASSANDRA": "127.0.0.1:9042",
        "ANGARIUM_JWT_SECRET": "a secret of 32 bytes or even more",
    }
    assert outage_patience_s(Settings.from_env({})) == 5
    assert outage_patience_s(Settings.from_env(servers, command="audit")) == 60
