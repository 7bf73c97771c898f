"""Settings from the environment: the only place that reads it."""

from angarium.config.addresses import Address
from angarium.config.reader import Shown, Source
from angarium.config.settings import Settings, SettingsError
from angarium.config.unknown import unknown_settings
from angarium.config.users import DEMO_PEOPLE, DEMO_USERS, VERIFY_USERS, ConfiguredUser

__all__ = [
    "DEMO_PEOPLE",
    "DEMO_USERS",
    "VERIFY_USERS",
    "Address",
    "ConfiguredUser",
    "Settings",
    "SettingsError",
    "Shown",
    "Source",
    "unknown_settings",
]
