"""Each wrong setting is named, with what to write instead."""

import pytest

from angarium.config import Settings
from angarium.config.addresses import web_address
from angarium.config.values import InvalidValue
from tests.unit.config.environments import KAFKA, SECRET, problems_of

WRONG: list[tuple[str, str, str]] = [
    (
        "HOST",
        "[::1]:80",
        (
            "ANGARIUM_HOST is '[::1]:80', which is neither a host name nor an address; write one "
            "without a port"
        ),
    ),
    ("HOST", "[chat.example.org]", "which is neither a host name nor an address"),
    ("HOST", "fe80::1%", "which is neither a host name nor an address"),
    ("HOST", "a b", "'a b', which is neither a host name nor an address"),
    (
        "PORT",
        "abc",
        (
            "ANGARIUM_PORT is 'abc', which is not a whole number; write a whole number from 0 to "
            "65535"
        ),
    ),
    (
        "PORT",
        "65536",
        "ANGARIUM_PORT is '65536', which is out of range; write a whole number from 0 to 65535",
    ),
    ("PORT", "-1", "which is out of range"),
    ("PORT", "8_080", "which is not a whole number"),
    ("PORT", "\uff18\uff10", "which is not a whole number"),
    ("PORT", "9" * 100, "9…', which is not a whole number"),
    ("DATA", __file__, "which is not a folder; write the path of a folder"),
    ("KAFKA", "localhost", "contains 'localhost', which is not host:port; write host:port,…"),
    ("KAFKA", "a:1,", "which contains '', which is not host:port; write host:port,…"),
    ("KAFKA", "::1:9092", "which is not host:port"),
    ("KAFKA", "a:0", "which contains the port '0'; write host:port,… with ports from 1 to 65535"),
    ("CASSANDRA", "a:b", "which contains the port 'b'"),
    (
        "KAFKA_SECURITY",
        "TLS",
        "which is not a known value; write one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
    ),
    ("KAFKA_SASL_MECHANISM", "X", "write one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
    (
        "KAFKA_CAFILE",
        "/nowhere/ca.pem",
        "'/nowhere/ca.pem', which is not a file; write the path of one",
    ),
    ("KAFKA_CERTFILE", "/nowhere", "which is not a file"),
    ("KAFKA_KEYFILE", "/nowhere", "which is not a file"),
    ("TOPIC", "a b", "which is not allowed here; write 1 to 244 of a-z A-Z 0-9 . _ -"),
    ("TOPIC", "..", "which is not allowed here"),
    ("TOPIC", "a" * 245, "which is not allowed here"),
    ("PARTITIONS", "0", "which is out of range; write a whole number from 1 to 10000"),
    ("TOPIC_REPLICATION", "0", "write a whole number from 1 to 100"),
    ("RETENTION", "-1", "which is out of range; write a whole number from 0 to 315360000"),
    ("RETENTION", "7d", "which is not a whole number; write a whole number from 0 to 315360000"),
    ("RETENTION", "0.5", "which is not a whole number"),
    ("GROUP", "a b", "write 1 to 200 printable ASCII characters without spaces"),
    ("KEYSPACE", "1a", "write a letter, then up to 47 letters, digits and underscores"),
    ("REPLICATION", "1", "'1', which is out of range; write a whole number from 2 to 100"),
    ("DATACENTER", "d c", "which is not allowed here; write 1 to 200 of a-z A-Z 0-9 . _ -"),
    ("DATACENTER", "dc'1", "which is not allowed here"),
    ("CONSISTENCY", "ANY", "write one of LOCAL_QUORUM, QUORUM"),
    ("CASSANDRA_CAFILE", "/nowhere", "which is not a file"),
    ("JWT_ISSUER", "ä", "printable ASCII"),
    ("JWT_AUDIENCE", "a b", "printable ASCII"),
    ("TOKEN_TTL", "0", "write a whole number from 1 to 31536000"),
    ("LOGIN_ATTEMPTS", "0", "write a whole number from 1 to 1000000"),
    ("LOGIN_WINDOW", "0", "which is out of range; write seconds from 0.1 to 86400"),
    ("LOGIN_WINDOW", "nan", "which is not a number of seconds"),
    ("TRUSTED_PROXIES", "proxy", "contains 'proxy', which is neither an address nor a network"),
    (
        "TRUSTED_PROXIES",
        "10.1.2.3/8",
        (
            "which contains '10.1.2.3/8', an address inside a network; write 10.0.0.0/8 for all "
            "of it"
        ),
    ),
    (
        "TRUSTED_PROXIES",
        "::ffff:10.1.2.3/104",
        "an address inside a network; write 10.0.0.0/8 for all of it",
    ),
    (
        "TRUSTED_PROXIES",
        "fe80::1%lo",
        (
            "contains 'fe80::1%lo', an address with a scope; write fe80::1, which covers it on "
            "every"
        ),
    ),
    (
        "CORS_ORIGINS",
        "*",
        "which contains '*', which would allow the pages of any site; name each origin",
    ),
    (
        "CORS_ORIGINS",
        "https://a,null",
        "which contains 'null', which would allow the pages of any site",
    ),
    (
        "CORS_ORIGINS",
        "chat.example.org",
        "which contains 'chat.example.org', which is not an origin; write scheme and host",
    ),
    ("CORS_ORIGINS", "https://a/", "which contains 'https://a/', which is not an origin"),
    ("CORS_ORIGINS", "https://a?b", "which contains 'https://a?b', which is not an origin"),
    ("CORS_ORIGINS", "https://u@a", "which contains 'https://u@a', which is not an origin"),
    (
        "CORS_ORIGINS",
        "https://*.example.org",
        "which contains 'https://*.example.org', which is not an origin",
    ),
    ("CORS_ORIGINS", "https://bücher.example", "which is not an origin"),
    ("CORS_ORIGINS", "http://[::x]", "which is not an origin"),
    (
        "CORS_ORIGINS",
        "http://a:99999",
        "which contains the port '99999'; write one from 1 to 65535",
    ),
    ("CORS_ORIGINS", "http://a,,http://b", "which contains '', which is not an origin"),
    ("IDLE_TIMEOUT", "x", "which is not a number of seconds; write seconds from 0.1 to 86400"),
    ("REQUEST_TIMEOUT", "3601", "write seconds from 0.1 to 3600"),
    ("USERS", "/nowhere/users.json", "which is not a file"),
    ("PRESENCE_WINDOW", "1e3", "which is not a number of seconds"),
    ("MAX_INFLIGHT", "0", "write a whole number from 1 to 1000000"),
    ("MAX_LOGINS", "0", "write a whole number from 1 to 10000"),
    ("PAGE", "maybe", "ANGARIUM_PAGE is 'maybe', which is neither yes nor no; write 1 or 0"),
    ("LOG_LEVEL", "LOUD", "write one of DEBUG, INFO, WARNING, ERROR"),
    ("LOG_FORMAT", "xml", "write one of json, text"),
    ("DEMO", "maybe", "which is neither yes nor no; write 1 or 0"),
    (
        "URL",
        "127.0.0.1:8080",
        "which is not the address of a server; write one such as http://127.0.0.1:8080",
    ),
    ("URL", "http://u:p@host", "which is not the address of a server"),
    ("URL", "http://host:99999", "which is not the address of a server"),
    ("URL", "ftp://host", "which is not the address of a server"),
    ("HOST", "\udcff", "ANGARIUM_HOST is not UTF-8; write it in UTF-8"),
]


@pytest.mark.parametrize(("name", "text", "line"), WRONG)
def test_a_wrong_value_is_named_with_what_to_write_instead(
    name: str, text: str, line: str
) -> None:
    found = problems_of({f"ANGARIUM_{name}": text})
    problem = next(problem for problem in found if problem.startswith(f"ANGARIUM_{name} is"))
    assert line in problem


def test_all_problems_are_reported_at_once() -> None:
    problems = problems_of(
        {"ANGARIUM_PORT": "x", "ANGARIUM_PARTITIONS": "0", "ANGARIUM_LOG_LEVEL": "y"}
    )
    assert [problem.split()[0] for problem in problems] == [
        "ANGARIUM_PORT",
        "ANGARIUM_PARTITIONS",
        "ANGARIUM_LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("hush", "has 4 bytes"),
        ("h" * 31, "has 31 bytes"),
        ("h" * 32, "consists of one repeated byte"),
        ("0" * 64, "consists of one repeated byte"),
    ],
)
@pytest.mark.parametrize("command", [None, "serve", "worker"])
def test_a_weak_secret_is_refused_without_being_shown(
    secret: str, fault: str, command: str | None
) -> None:
    servers = KAFKA if command == "worker" else {}
    assert problems_of({**servers, "ANGARIUM_JWT_SECRET": secret}, command) == (
        (
            f"ANGARIUM_JWT_SECRET {fault}; write at least 32 random bytes, such as `openssl rand "
            "-hex 32` gives"
        ),
    )


@pytest.mark.parametrize("name", [shown.name for shown in Settings.from_env({}).shown])
@pytest.mark.parametrize("character", ["\r", "\n", "\t", "\x1b", "\x7f", "\x85"])
def test_a_control_character_is_refused_in_every_setting(name: str, character: str) -> None:
    value = Settings.from_env({}).shown
    fit = next(shown.value for shown in value if shown.name == name) or "fit"
    (problem,) = (
        problem
        for problem in problems_of({name: fit + character})
        if problem.startswith(f"{name} ") and "control" in problem
    )
    known = " (a carriage return)" if character == "\r" else ""
    assert problem.endswith(
        f"contains the control character U+{ord(character):04X}{known}; remove that character"
    )


def test_a_secret_is_not_filled_up_with_the_end_of_a_line() -> None:
    (problem,) = problems_of({"ANGARIUM_JWT_SECRET": SECRET[:31] + "\r"})
    assert problem == (
        "ANGARIUM_JWT_SECRET contains the control character U+000D (a carriage return); remove "
        "that character"
    )


@pytest.mark.parametrize("character", ["\r", "\n", "\t"])
def test_an_address_of_a_server_loses_no_character_on_the_way(character: str) -> None:
    with pytest.raises(InvalidValue, match="contains the control character"):
        web_address(f"http://exa{character}mple.org")


def test_kafka_and_cassandra_go_together() -> None:
    assert problems_of({"ANGARIUM_KAFKA": "k:1", "ANGARIUM_JWT_SECRET": SECRET}) == (
        "ANGARIUM_KAFKA is set and ANGARIUM_CASSANDRA is not; set both or neither",
    )
    assert problems_of({"ANGARIUM_CASSANDRA": "c:1"}) == (
        "ANGARIUM_CASSANDRA is set and ANGARIUM_KAFKA is not; set both or neither",
    )


def test_a_wrong_address_is_not_also_reported_as_a_missing_one() -> None:
    (problem,) = problems_of({**KAFKA, "ANGARIUM_KAFKA": "nowhere"})
    assert problem.startswith("ANGARIUM_KAFKA is 'nowhere'")


def test_instances_on_kafka_must_be_given_their_common_secret() -> None:
    (problem,) = problems_of({**KAFKA, "ANGARIUM_JWT_SECRET": ""})
    assert problem.startswith(
        "ANGARIUM_JWT_SECRET is not set, but every instance must have the same"
    )


def test_a_login_at_cassandra_has_a_name_and_a_password() -> None:
    assert problems_of({"ANGARIUM_CASSANDRA_USERNAME": "angarium"}) == (
        (
            "ANGARIUM_CASSANDRA_USERNAME is set and ANGARIUM_CASSANDRA_PASSWORD is not; set both "
            "or neither"
        ),
    )


def test_a_login_at_kafka_is_whole_or_not_there() -> None:
    missing = problems_of({**KAFKA, "ANGARIUM_KAFKA_SECURITY": "SASL_PLAINTEXT"})
    assert [line.split()[0].removeprefix("ANGARIUM_KAFKA_SASL_") for line in missing] == [
        "MECHANISM",
        "USERNAME",
        "PASSWORD",
    ]
    (unused,) = problems_of({**KAFKA, "ANGARIUM_KAFKA_SASL_USERNAME": "angarium"})
    assert "is PLAINTEXT, which has no login" in unused


def test_certificates_are_never_silently_left_unused() -> None:
    (unused,) = problems_of({**KAFKA, "ANGARIUM_KAFKA_CAFILE": __file__})
    assert "ANGARIUM_KAFKA_SECURITY is PLAINTEXT, which encrypts nothing" in unused


def test_a_key_needs_its_certificate() -> None:
    (problem,) = problems_of(
        {**KAFKA, "ANGARIUM_KAFKA_SECURITY": "SSL", "ANGARIUM_KAFKA_KEYFILE": __file__}
    )
    assert problem.startswith("ANGARIUM_KAFKA_KEYFILE is set and ANGARIUM_KAFKA_CERTFILE is not")


def test_an_unknown_kind_of_security_is_the_only_complaint_about_it() -> None:
    (problem,) = problems_of(
        {**KAFKA, "ANGARIUM_KAFKA_SECURITY": "TLS", "ANGARIUM_KAFKA_CAFILE": __file__}
    )
    assert problem.startswith("ANGARIUM_KAFKA_SECURITY is 'TLS'")
