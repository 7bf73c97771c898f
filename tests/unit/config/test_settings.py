"""What settings are when nothing is said, and what may be said."""

import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from angarium.config import DEMO_USERS, Address, Settings, Source
from angarium.config.unknown import unknown_settings
from tests.unit.config.environments import KAFKA, SECRET

DEFAULTS: dict[str, object] = {
    "host": "127.0.0.1",
    "port": 8080,
    "published_host": None,
    "data": Path("var"),
    "kafka": (),
    "cassandra": (),
    "kafka_security": "PLAINTEXT",
    "kafka_sasl_mechanism": None,
    "kafka_sasl_username": None,
    "kafka_sasl_password": None,
    "kafka_cafile": None,
    "kafka_certfile": None,
    "kafka_keyfile": None,
    "topic": "messages",
    "partitions": 12,
    "topic_replication": 1,
    "group": "router",
    "retention_s": 604_800,
    "keyspace": "angarium",
    "replication": 2,
    "datacenter": "datacenter1",
    "consistency": "LOCAL_QUORUM",
    "cassandra_username": None,
    "cassandra_password": None,
    "cassandra_cafile": None,
    "jwt_secret": None,
    "jwt_issuer": "angarium",
    "jwt_audience": "angarium",
    "token_ttl_s": 3600,
    "login_attempts": 10,
    "login_window_s": 60.0,
    "trusted_proxies": (),
    "cors_origins": (),
    "idle_timeout_s": 60.0,
    "request_timeout_s": 10.0,
    "users": DEMO_USERS,
    "presence_window_s": 30.0,
    "max_inflight": 1024,
    "max_logins": 64,
    "log_level": "INFO",
    "log_format": "json",
    "demo": False,
    "page": True,
    "url": "http://127.0.0.1:8080",
}


@pytest.mark.parametrize(("field", "value"), DEFAULTS.items())
def test_without_an_environment_a_setting_has_its_documented_default(
    field: str, value: object
) -> None:
    assert getattr(Settings.from_env({}), field) == value


FIELDS = {name.removesuffix("_s").upper(): name for name in DEFAULTS}
"""The field of each variable: a duration's has its unit at the end."""


def test_every_setting_has_a_default_a_variable_and_a_line_in_the_overview() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)} - {"shown"}
    assert fields == DEFAULTS.keys()
    assert {shown.name for shown in Settings.from_env({}).shown} == {
        f"ANGARIUM_{variable}" for variable in FIELDS
    }


GIVEN: list[tuple[str, str, object]] = [
    ("HOST", "::1", "::1"),
    ("HOST", "chat.example.org", "chat.example.org"),
    ("HOST", "[::1]", "::1"),
    ("HOST", "fe80::1%lo", "fe80::1%lo"),
    ("HOST", "::ffff:127.0.0.1", "127.0.0.1"),
    ("PUBLISHED_HOST", "::ffff:192.0.2.7", "192.0.2.7"),
    ("PUBLISHED_HOST", "[::1]", "::1"),
    ("PORT", "0", 0),
    ("PORT", "65535", 65535),
    ("DATA", "/tmp/somewhere else", Path("/tmp/somewhere else")),
    ("TOPIC", "chat.messages_1", "chat.messages_1"),
    ("PARTITIONS", "1", 1),
    ("TOPIC_REPLICATION", "3", 3),
    ("GROUP", "router-2", "router-2"),
    ("RETENTION", "0", 0),
    ("RETENTION", "1", 1),
    ("KEYSPACE", "Chat_1", "Chat_1"),
    ("REPLICATION", "3", 3),
    ("DATACENTER", "eu-west", "eu-west"),
    ("CONSISTENCY", "quorum", "QUORUM"),
    ("JWT_SECRET", SECRET, SECRET),
    ("JWT_SECRET", "ä" * 16, "ä" * 16),
    ("JWT_ISSUER", "https://id.example.org", "https://id.example.org"),
    ("JWT_AUDIENCE", "chat", "chat"),
    ("TOKEN_TTL", "1", 1),
    ("LOGIN_ATTEMPTS", "3", 3),
    ("LOGIN_WINDOW", "0.5", 0.5),
    (
        "TRUSTED_PROXIES",
        "10.0.0.1, 192.168.0.0/16,::1",
        (ip_network("10.0.0.1"), ip_network("192.168.0.0/16"), ip_network("::1")),
    ),
    (
        "TRUSTED_PROXIES",
        "::ffff:10.0.0.1,::ffff:10.0.0.0/104,[fd00::1],fe80::/10",
        (
            ip_network("10.0.0.1"),
            ip_network("10.0.0.0/8"),
            ip_network("fd00::1"),
            ip_network("fe80::/10"),
        ),
    ),
    ("CORS_ORIGINS", "https://chat.example.org", ("https://chat.example.org",)),
    ("CORS_ORIGINS", "http://[2001:DB8:0:0::01]:80", ("http://[2001:db8::1]",)),
    (
        "CORS_ORIGINS",
        "HTTPS://Chat.Example.org:443, http://localhost:3000,http://[::1]:80,tauri://localhost,http://a,http://A:80",
        (
            "https://chat.example.org",
            "http://localhost:3000",
            "http://[::1]",
            "tauri://localhost",
            "http://a",
        ),
    ),
    ("IDLE_TIMEOUT", "2.5", 2.5),
    ("REQUEST_TIMEOUT", "1", 1.0),
    ("PRESENCE_WINDOW", "1", 1.0),
    ("MAX_INFLIGHT", "1", 1),
    ("MAX_LOGINS", "1", 1),
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_FORMAT", "text", "text"),
    ("DEMO", "1", True),
    ("DEMO", "no", False),
    ("PAGE", "0", False),
    ("PAGE", "On", True),
    ("URL", "https://Chat.example.org/base/", "https://chat.example.org/base"),
    ("URL", "http://[::1]:81", "http://[::1]:81"),
]


@pytest.mark.parametrize(("name", "text", "value"), GIVEN)
def test_a_setting_is_taken_from_the_environment(name: str, text: str, value: object) -> None:
    settings = Settings.from_env({f"ANGARIUM_{name}": text})
    assert getattr(settings, FIELDS[name]) == value
    (shown,) = (shown for shown in settings.shown if shown.name == f"ANGARIUM_{name}")
    assert shown.source is Source.ENVIRONMENT


def test_servers_are_lists_of_host_and_port() -> None:
    settings = Settings.from_env({**KAFKA, "ANGARIUM_KAFKA": "a:1, b.example:65535,[::1]:9092"})
    assert settings.kafka == (Address("a", 1), Address("b.example", 65535), Address("::1", 9092))
    assert settings.cassandra == (Address("c", 9042),)


def test_kafka_can_be_encrypted_and_ask_for_a_login(tmp_path: Path) -> None:
    files = {}
    for part in ("CAFILE", "CERTFILE", "KEYFILE"):
        (tmp_path / part).write_text("pem")
        files[f"ANGARIUM_KAFKA_{part}"] = str(tmp_path / part)
    settings = Settings.from_env(
        {
            **KAFKA,
            **files,
            "ANGARIUM_KAFKA_SECURITY": "SASL_SSL",
            "ANGARIUM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "ANGARIUM_KAFKA_SASL_USERNAME": "angarium",
            "ANGARIUM_KAFKA_SASL_PASSWORD": "hidden",
            "ANGARIUM_CASSANDRA_USERNAME": "angarium",
            "ANGARIUM_CASSANDRA_PASSWORD": "hidden",
            "ANGARIUM_CASSANDRA_CAFILE": str(tmp_path / "CAFILE"),
        }
    )
    assert settings.kafka_security == "SASL_SSL"
    assert settings.kafka_sasl_mechanism == "SCRAM-SHA-512"
    assert (settings.kafka_sasl_username, settings.kafka_sasl_password) == ("angarium", "hidden")
    assert settings.kafka_cafile == tmp_path / "CAFILE"
    assert settings.kafka_certfile == tmp_path / "CERTFILE"
    assert settings.kafka_keyfile == tmp_path / "KEYFILE"
    assert (settings.cassandra_username, settings.cassandra_password) == ("angarium", "hidden")
    assert settings.cassandra_cafile == tmp_path / "CAFILE"


def test_a_variable_set_to_nothing_counts_as_not_set() -> None:
    settings = Settings.from_env({"ANGARIUM_PORT": "", "ANGARIUM_KAFKA": "", "ANGARIUM_USERS": ""})
    assert (settings.port, settings.kafka, settings.users) == (8080, (), DEMO_USERS)
    assert {shown.source for shown in settings.shown} == {Source.DEFAULT}


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = Settings.from_env(
        {
            **KAFKA,
            "ANGARIUM_JWT_SECRET": "hush" * 8,
            "ANGARIUM_KAFKA_SECURITY": "SASL_SSL",
            "ANGARIUM_KAFKA_SASL_MECHANISM": "PLAIN",
            "ANGARIUM_KAFKA_SASL_USERNAME": "angarium",
            "ANGARIUM_KAFKA_SASL_PASSWORD": "hush",
            "ANGARIUM_CASSANDRA_USERNAME": "angarium",
            "ANGARIUM_CASSANDRA_PASSWORD": "hush",
        }
    )
    masked = [shown.name for shown in settings.shown if shown.value == "********"]
    assert masked == [
        "ANGARIUM_KAFKA_SASL_PASSWORD",
        "ANGARIUM_CASSANDRA_PASSWORD",
        "ANGARIUM_JWT_SECRET",
    ]
    assert "hush" not in repr(settings) + repr(settings.shown)
    assert "demo'" not in repr(settings.users)


def test_logs_are_text_on_a_terminal_unless_something_else_is_asked_for() -> None:
    assert Settings.from_env({}, terminal=True).log_format == "text"
    assert Settings.from_env({"ANGARIUM_LOG_FORMAT": "json"}, terminal=True).log_format == "json"


def test_a_misspelt_variable_is_pointed_at_with_the_nearest_name() -> None:
    environment = {
        "ANGARIUM_PROT": "1",
        "ANGARIUM_XYZZY": "1",
        "ANGARIUM_TEST_KAFKA": "a:1",
        "PATH": "/bin",
    }
    assert unknown_settings(environment) == (
        "ANGARIUM_PROT is not a setting and is ignored; did you mean ANGARIUM_PORT?",
        "ANGARIUM_XYZZY is not a setting and is ignored; see `angarium config`",
    )


def test_every_known_variable_is_accepted_silently() -> None:
    assert unknown_settings({shown.name: "1" for shown in Settings.from_env({}).shown}) == ()
