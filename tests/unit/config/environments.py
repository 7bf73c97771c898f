"""Settings that tests start from, and what is said of them."""

import pytest

from angarium.config import Settings, SettingsError

SECRET = "0123456789abcdef0123456789abcdef"
KAFKA = {"ANGARIUM_KAFKA": "k:9092", "ANGARIUM_CASSANDRA": "c:9042", "ANGARIUM_JWT_SECRET": SECRET}


def problems_of(environment: dict[str, str], command: str | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(environment, command=command)
    return refused.value.problems
