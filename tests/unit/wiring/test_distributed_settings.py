"""Every setting about Kafka and Cassandra reaches the driver that it is
for; no server runs here.

`tests/acceptance/test_every_setting.py` does the same on a real
`angarium serve`, and sees that no setting is in neither of the two.
"""

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar, NoReturn, cast
from uuid import uuid4

import kafka
import pytest
from cassandra import ConsistencyLevel, DriverException
from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.query import PreparedStatement
from kafka.errors import KafkaConnectionError

from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.errors import LogUnavailable, SetupError
from angarium.domain.user import Principal
from angarium.engines.cassandra import cluster as clusters
from angarium.wiring import distributed
from angarium.wiring.engine import Engine
from tests.engines.certificates import Certificates
from tests.unit.engines.cassandra.driver import Driver

SECRET = "a secret of this test, 32 bytes or more"

Options = Mapping[str, object]


class Brokers:
    """Stands for the clients of kafka-python: keeps the options that
    each is made with.

    Attributes:
        options: By the name of the client.
        partitions: How many its topics have.
        replicas: How many each partition has.
        created: What topics were asked for.
    """

    def __init__(self, partitions: int, replicas: int) -> None:
        self.options: dict[str, Options] = {}
        self.partitions = partitions
        self.replicas = replicas
        self.created: dict[str, Mapping[str, object]] = {}

    def administrator(self, **options: object) -> "Brokers":
        self.options["KafkaAdminClient"] = options
        return self

    def refusing(self, name: str) -> Callable[..., NoReturn]:
        def refuse(**options: object) -> NoReturn:
            self.options[name] = options
            raise KafkaConnectionError

        return refuse

    def describe_topics(self, topics: Sequence[str]) -> list[dict[str, object]]:
        count = 1 if topics[0].endswith(".dead") else self.partitions
        partition = {"replica_nodes": list(range(self.replicas))}
        return [{"error_code": 0, "partitions": [partition] * count}]

    def describe_configs(
        self, resources: Sequence[SimpleNamespace], **_: object
    ) -> dict[str, object]:
        enough = {"value": str(2**31 - 1)}
        configs = {
            "min.insync.replicas": enough,
            "max.message.bytes": enough,
            "segment.bytes": enough,
            "cleanup.policy": {"value": "delete"},
            "compression.type": {"value": "uncompressed"},
            "message.timestamp.type": {"value": "LogAppendTime"},
            "unclean.leader.election.enable": {"value": "false"},
        }
        return {"topic": {resources[0].name: configs}}

    def create_topics(self, wanted: Mapping[str, Mapping[str, object]], timeout_ms: int) -> None:
        self.created.update(wanted)

    def wait_for_topics(self, topics: Sequence[str], timeout_ms: int) -> None:
        """They are there."""

    def close(self) -> None:
        """Nothing is open."""


class Nodes(Driver):
    """Stands for the driver of Cassandra: keeps what it is made with,
    and the texts of statements.
    """

    made: ClassVar[list["Nodes"]] = []

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options
        self.statements: list[str] = []
        self.made.append(self)

    def connect(self, **_: object) -> "Nodes":
        return self

    def prepare(self, cql: str) -> PreparedStatement:
        self.statements.append(cql)
        # What is bound is not turned into bytes here.
        bound = SimpleNamespace(bind=lambda values: SimpleNamespace(values=values))
        return cast("PreparedStatement", bound)

    def execute(self, question: object, *_: object, **__: object) -> list[tuple[object, ...]]:
        self.statements.append(str(question))
        if str(question).startswith("CREATE KEYSPACE"):
            raise DriverException("seen enough")
        return []


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    brokers = Brokers(partitions=7, replicas=3)
    monkeypatch.setattr(kafka, "KafkaAdminClient", brokers.administrator)
    for name in ("KafkaProducer", "KafkaConsumer"):
        monkeypatch.setattr(kafka, name, brokers.refusing(name))
    monkeypatch.setattr(distributed, "FIRST_CONNECTION_S", 0.5)
    monkeypatch.setattr(clusters, "Cluster", Nodes)
    monkeypatch.setattr(Nodes, "made", [])
    return brokers


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Another value than the default for everything."""
    certificates = Certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1")
    return {
        "ANGARIUM_KAFKA": "broker-1:9092,broker-2:9093",
        "ANGARIUM_KAFKA_SECURITY": "SASL_SSL",
        "ANGARIUM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "ANGARIUM_KAFKA_SASL_USERNAME": "kafka-user",
        "ANGARIUM_KAFKA_SASL_PASSWORD": "kafka-password",
        "ANGARIUM_KAFKA_CAFILE": str(certificates.authority),
        "ANGARIUM_KAFKA_CERTFILE": str(certificates.client),
        "ANGARIUM_KAFKA_KEYFILE": str(certificates.client_key),
        "ANGARIUM_TOPIC": "chat",
        "ANGARIUM_PARTITIONS": "7",
        "ANGARIUM_TOPIC_REPLICATION": "3",
        "ANGARIUM_GROUP": "readers",
        "ANGARIUM_CASSANDRA": "node-1:9042,node-2:9043",
        "ANGARIUM_KEYSPACE": "Chat",
        "ANGARIUM_REPLICATION": "5",
        "ANGARIUM_DATACENTER": "here",
        "ANGARIUM_CONSISTENCY": "ALL",
        "ANGARIUM_CASSANDRA_USERNAME": "cassandra-user",
        "ANGARIUM_CASSANDRA_PASSWORD": "cassandra-password",
        "ANGARIUM_CASSANDRA_CAFILE": str(certificates.authority),
        "ANGARIUM_JWT_SECRET": SECRET,
        "ANGARIUM_JWT_ISSUER": "https://id.example.org",
        "ANGARIUM_JWT_AUDIENCE": "chat-clients",
        "ANGARIUM_TOKEN_TTL": "1234",
        "ANGARIUM_PRESENCE_WINDOW": "77",
    }


@contextmanager
def engine_of(given: Mapping[str, str]) -> Iterator[Engine]:
    """Give what an instance stands on."""
    settings = Settings.from_env(given, command="worker")
    with distributed.distributed_engine(settings, SystemClock(), "angarium-1") as engine:
        yield engine


def test_every_client_of_kafka_is_told_where_the_brokers_are_and_who_we_are(
    brokers: Brokers, given: dict[str, str]
) -> None:
    with engine_of(given) as engine, pytest.raises(LogUnavailable):
        engine.consumer().poll(0)
    assert brokers.options.keys() == {"KafkaAdminClient", "KafkaProducer", "KafkaConsumer"}
    assert brokers.options["KafkaConsumer"]["client_id"] == "angarium-1"
    for options in brokers.options.values():
        assert options["bootstrap_servers"] == given["ANGARIUM_KAFKA"].split(",")
        assert options["security_protocol"] == given["ANGARIUM_KAFKA_SECURITY"]
        assert options["sasl_mechanism"] == given["ANGARIUM_KAFKA_SASL_MECHANISM"]
        assert options["sasl_plain_username"] == given["ANGARIUM_KAFKA_SASL_USERNAME"]
        assert options["sasl_plain_password"] == given["ANGARIUM_KAFKA_SASL_PASSWORD"]
        assert options["ssl_cafile"] == given["ANGARIUM_KAFKA_CAFILE"]
        assert options["ssl_certfile"] == given["ANGARIUM_KAFKA_CERTFILE"]
        assert options["ssl_keyfile"] == given["ANGARIUM_KAFKA_KEYFILE"]
    assert brokers.options["KafkaConsumer"]["group_id"] == given["ANGARIUM_GROUP"]


def test_a_topic_that_is_not_as_the_settings_say_ends_the_start(
    brokers: Brokers, given: dict[str, str]
) -> None:
    brokers.partitions, brokers.replicas = 12, 1
    with pytest.raises(SetupError) as refused, engine_of(given):
        pass
    topic, copies = given["ANGARIUM_TOPIC"], given["ANGARIUM_TOPIC_REPLICATION"]
    said = str(refused.value)
    assert f"topic {topic!r} has 12 partitions, not {given['ANGARIUM_PARTITIONS']}: " in said
    # The everyday cause comes first.
    assert said.index("set ANGARIUM_PARTITIONS=12") < said.index("if partitions were added later")
    assert f"topic {topic!r} has 1 replicas, not {copies}" in str(refused.value)


def test_init_makes_what_the_settings_say(brokers: Brokers, given: dict[str, str]) -> None:
    settings = Settings.from_env(given, command="init")
    with pytest.raises(SetupError, match="seen enough"):
        distributed.prepare(settings, 0.1)
    assert brokers.created.keys() == {"chat", "chat.dead"}
    assert brokers.created["chat"]["num_partitions"] == 7
    assert {topic["replication_factor"] for topic in brokers.created.values()} == {3}
    created = [text for text in Nodes.made[0].statements if text.startswith("CREATE KEYSPACE")]
    (statement,) = created
    assert statement == (
        f'CREATE KEYSPACE IF NOT EXISTS "{given["ANGARIUM_KEYSPACE"]}" WITH replication = '
        f"{{'class': 'NetworkTopologyStrategy', 'here': {given['ANGARIUM_REPLICATION']}}}"
    )


def test_the_driver_of_cassandra_is_told_where_the_nodes_are_and_how_much_must_answer(
    brokers: Brokers, given: dict[str, str]
) -> None:
    with engine_of(given):
        pass
    (nodes,) = Nodes.made
    points = nodes.options["contact_points"]
    assert isinstance(points, list)
    assert [f"{point.address}:{point.port}" for point in points] == given[
        "ANGARIUM_CASSANDRA"
    ].split(",")
    profiles = nodes.options["execution_profiles"]
    assert isinstance(profiles, dict)
    profile = profiles[EXEC_PROFILE_DEFAULT]
    assert (
        profile.consistency_level == ConsistencyLevel.name_to_value[given["ANGARIUM_CONSISTENCY"]]
    )
    assert profile.load_balancing_policy._child_policy.local_dc == given["ANGARIUM_DATACENTER"]
    login = nodes.options["auth_provider"]
    assert (login.username, login.password) == (  # type: ignore[attr-defined]
        given["ANGARIUM_CASSANDRA_USERNAME"],
        given["ANGARIUM_CASSANDRA_PASSWORD"],
    )
    trusted = nodes.options["ssl_context"].get_ca_certs(binary_form=True)  # type: ignore[attr-defined]
    authority = Path(given["ANGARIUM_CASSANDRA_CAFILE"]).read_text()
    assert trusted == [ssl.PEM_cert_to_DER_cert(authority)]
    assert nodes.statements
    assert all('"Chat".' in text for text in nodes.statements)


def test_tokens_and_presence_are_as_on_the_embedded_engine(
    brokers: Brokers, given: dict[str, str]
) -> None:
    now_ms = 1_700_000_000_000
    with engine_of(given) as engine:
        token = engine.signer.issue(Principal(uuid4(), "erin"), now_ms)
        engine.presence.touch(uuid4(), now_ms)
    signed, _, signature = token.rpartition(".")
    expected = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == expected
    claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
    assert claims["iss"] == given["ANGARIUM_JWT_ISSUER"]
    assert claims["aud"] == given["ANGARIUM_JWT_AUDIENCE"]
    assert claims["exp"] - claims["iat"] == 1234
    # The start has asked for the marker of an import.
    _, touch = Nodes.made[0].asked
    assert touch.question.values[-1] == 77, "seconds that a node keeps it"
