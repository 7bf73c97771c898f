"""Every setting: its name, its default, its allowed values."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from angarium.config import addresses, values
from angarium.config.addresses import Address
from angarium.config.contradictions import contradictions
from angarium.config.reader import Reader, Shown, Source
from angarium.config.users import DEMO_PEOPLE, DEMO_USERS, ConfiguredUser, read_users
from angarium.domain.ip_addresses import IPNetwork
from angarium.domain.partitioning import DEFAULT_PARTITIONS
from angarium.domain.signing_secret import is_published

DAY = 86_400
SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
CONSISTENCIES = ("LOCAL_QUORUM", "QUORUM", "ALL", "LOCAL_ONE", "ONE", "TWO", "THREE")
_COPIES_ASKED = {"LOCAL_ONE": 1, "ONE": 1, "TWO": 2, "THREE": 3}
"""Replicas that each read and each write wait for. The other levels
wait for enough that every read sees every write (docs/adr/0016).
"""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_OF_THE_API = ("serve", "api", "init")
"""The commands that let users log in, or create them."""

_OF_THE_SERVICE = (*_OF_THE_API, "worker")
"""The commands that start or prepare a part of the service."""

_TOPIC = values.text_matching(
    r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,244}",
    "1 to 244 of a-z A-Z 0-9 . _ - (`.dead` is added for dead letters)",
)
_KEYSPACE = values.text_matching(
    r"[A-Za-z][A-Za-z0-9_]{0,47}", "a letter, then up to 47 letters, digits and underscores"
)
_DATACENTER = values.text_matching(r"[A-Za-z0-9._-]{1,200}", "1 to 200 of a-z A-Z 0-9 . _ -")
_PRINTABLE = values.text_matching(
    r"[!-~]{1,200}", "1 to 200 printable ASCII characters without spaces"
)


class SettingsError(Exception):
    """Settings that nothing can start with.

    Attributes:
        problems: One line each: the name, the value, what is wrong,
            what to write instead.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Join the problems into the exception's text."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process.

    Each field is the variable `ANGARIUM_` plus its name in capitals.

    Attributes:
        host: Where the API listens.
        port: 0 chooses a free one.
        published_host: The address at which other machines reach the
            API, if it is not `host`, as in a container.
        data: The embedded engine's folder.
        kafka: Bootstrap servers; empty on the embedded engine.
        cassandra: Contact points; empty on the embedded engine.
        kafka_security: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or
            `SASL_SSL`.
        kafka_sasl_mechanism: Given with both kinds of SASL only, like
            the next two.
        kafka_sasl_username: The user at Kafka.
        kafka_sasl_password: The password at Kafka.
        kafka_cafile: Certificates to trust; given with both kinds of
            SSL only, like the next two.
        kafka_certfile: The client's certificate for mutual TLS.
        kafka_keyfile: The key of that certificate.
        topic: The log's topic; dead letters go to `<topic>.dead`.
        partitions: The log's partition count, fixed for its life
            (docs/adr/0014).
        topic_replication: Copies of each partition.
        group: The workers' consumer group.
        retention_s: Seconds that applied records stay in the embedded
            log; 0 for ever (docs/adr/0018).
        keyspace: Cassandra's keyspace.
        replication: Copies of each row, at least 2.
        datacenter: The local data center of Cassandra.
        consistency: The level of reads and writes (docs/adr/0016).
        cassandra_username: The user at Cassandra.
        cassandra_password: The password at Cassandra.
        cassandra_cafile: Certificates to trust; if given, the
            connection is encrypted.
        jwt_secret: 32 bytes or more; None lets the embedded engine make
            one.
        jwt_issuer: The tokens' `iss`.
        jwt_audience: The tokens' `aud`.
        token_ttl_s: Seconds that a token is valid.
        login_attempts: Failed logins allowed per address and username
            within `login_window_s`.
        login_window_s: Seconds over which failed logins are counted.
        trusted_proxies: Proxies whose `X-Forwarded-For` is trusted.
        cors_origins: Origins of the web pages that may call the API
            from a browser.
        idle_timeout_s: Seconds that an idle connection is kept.
        request_timeout_s: Seconds that sending a request may take.
        users: The configured users, the demo's when no file is named.
        presence_window_s: Seconds that a user counts as online after
            their last request (docs/adr/0010).
        max_inflight: The maximum of concurrent requests.
        max_logins: The maximum of logins that wait for their hash or
            are being hashed.
        log_level: The lowest level that is written.
        log_format: `json` or `text`.
        demo: Whether the demo users may be reached from elsewhere.
        page: Whether `GET /` is the page for people.
        url: The server that the client commands talk to.
        shown: Every setting as text, secrets masked.
    """

    host: str
    port: int
    published_host: str | None
    data: Path
    kafka: tuple[Address, ...]
    cassandra: tuple[Address, ...]
    kafka_security: str
    kafka_sasl_mechanism: str | None
    kafka_sasl_username: str | None
    kafka_sasl_password: str | None = field(repr=False)
    kafka_cafile: Path | None
    kafka_certfile: Path | None
    kafka_keyfile: Path | None
    topic: str
    partitions: int
    topic_replication: int
    group: str
    retention_s: int
    keyspace: str
    replication: int
    datacenter: str
    consistency: str
    cassandra_username: str | None
    cassandra_password: str | None = field(repr=False)
    cassandra_cafile: Path | None
    jwt_secret: str | None = field(repr=False)
    jwt_issuer: str
    jwt_audience: str
    token_ttl_s: int
    login_attempts: int
    login_window_s: float
    trusted_proxies: tuple[IPNetwork, ...]
    cors_origins: tuple[str, ...]
    idle_timeout_s: float
    request_timeout_s: float
    users: tuple[ConfiguredUser, ...]
    presence_window_s: float
    max_inflight: int
    max_logins: int
    log_level: str
    log_format: str
    demo: bool
    page: bool
    url: str
    shown: tuple[Shown, ...] = field(repr=False)

    @classmethod
    def from_env(
        cls,
        environment: Mapping[str, str],
        terminal: bool = False,
        command: str | None = None,
        is_hash: Callable[[str], bool] = lambda _: True,
    ) -> Self:
        """Read and check all settings.

        Args:
            environment: Such as `os.environ`.
            terminal: Whether logs go to a terminal, where they are text
                by default.
            command: `serve`, `api`, `worker` or `init`, where they must
                fit one; None for any other.
            is_hash: Tells whether a configured user's password hash is
                one that passwords are compared with.

        Returns:
            The settings.

        Raises:
            SettingsError: With every problem at once.
        """
        reader = Reader(environment)
        settings = cls(
            host=reader.read("ANGARIUM_HOST", "127.0.0.1", addresses.host),
            port=reader.read("ANGARIUM_PORT", "8080", values.whole_number(0, 65_535)),
            published_host=reader.optional("ANGARIUM_PUBLISHED_HOST", addresses.host),
            data=reader.read("ANGARIUM_DATA", "var", values.folder),
            kafka=reader.optional("ANGARIUM_KAFKA", addresses.addresses) or (),
            cassandra=reader.optional("ANGARIUM_CASSANDRA", addresses.addresses) or (),
            kafka_security=reader.read(
                "ANGARIUM_KAFKA_SECURITY", "PLAINTEXT", values.one_of(*SECURITY)
            ),
            kafka_sasl_mechanism=reader.optional(
                "ANGARIUM_KAFKA_SASL_MECHANISM", values.one_of(*MECHANISMS)
            ),
            kafka_sasl_username=reader.optional(
                "ANGARIUM_KAFKA_SASL_USERNAME", values.text_of_any_kind
            ),
            kafka_sasl_password=reader.optional(
                "ANGARIUM_KAFKA_SASL_PASSWORD", values.text_of_any_kind, True
            ),
            kafka_cafile=reader.optional("ANGARIUM_KAFKA_CAFILE", values.file),
            kafka_certfile=reader.optional("ANGARIUM_KAFKA_CERTFILE", values.file),
            kafka_keyfile=reader.optional("ANGARIUM_KAFKA_KEYFILE", values.file),
            topic=reader.read("ANGARIUM_TOPIC", "messages", _TOPIC),
            partitions=reader.read(
                "ANGARIUM_PARTITIONS", str(DEFAULT_PARTITIONS), values.whole_number(1, 10_000)
            ),
            topic_replication=reader.read(
                "ANGARIUM_TOPIC_REPLICATION", "1", values.whole_number(1, 100)
            ),
            group=reader.read("ANGARIUM_GROUP", "router", _PRINTABLE),
            retention_s=reader.read(
                "ANGARIUM_RETENTION", "604800", values.whole_number(0, 3650 * DAY)
            ),
            keyspace=reader.read("ANGARIUM_KEYSPACE", "angarium", _KEYSPACE),
            replication=reader.read("ANGARIUM_REPLICATION", "2", values.whole_number(2, 100)),
            datacenter=reader.read("ANGARIUM_DATACENTER", "datacenter1", _DATACENTER),
            consistency=reader.read(
                "ANGARIUM_CONSISTENCY", "LOCAL_QUORUM", values.one_of(*CONSISTENCIES)
            ),
            cassandra_username=reader.optional(
                "ANGARIUM_CASSANDRA_USERNAME", values.text_of_any_kind
            ),
            cassandra_password=reader.optional(
                "ANGARIUM_CASSANDRA_PASSWORD", values.text_of_any_kind, True
            ),
            cassandra_cafile=reader.optional("ANGARIUM_CASSANDRA_CAFILE", values.file),
            jwt_secret=reader.optional("ANGARIUM_JWT_SECRET", values.signing_secret, True),
            jwt_issuer=reader.read("ANGARIUM_JWT_ISSUER", "angarium", _PRINTABLE),
            jwt_audience=reader.read("ANGARIUM_JWT_AUDIENCE", "angarium", _PRINTABLE),
            token_ttl_s=reader.read(
                "ANGARIUM_TOKEN_TTL", "3600", values.whole_number(1, 365 * DAY)
            ),
            login_attempts=reader.read(
                "ANGARIUM_LOGIN_ATTEMPTS", "10", values.whole_number(1, 1_000_000)
            ),
            login_window_s=reader.read("ANGARIUM_LOGIN_WINDOW", "60", values.seconds(0.1, DAY)),
            trusted_proxies=reader.optional("ANGARIUM_TRUSTED_PROXIES", addresses.networks) or (),
            cors_origins=reader.optional("ANGARIUM_CORS_ORIGINS", addresses.origins) or (),
            idle_timeout_s=reader.read("ANGARIUM_IDLE_TIMEOUT", "60", values.seconds(0.1, DAY)),
            request_timeout_s=reader.read(
                "ANGARIUM_REQUEST_TIMEOUT", "10", values.seconds(0.1, 3600)
            ),
            users=(users := _users(reader, is_hash)),
            presence_window_s=reader.read(
                "ANGARIUM_PRESENCE_WINDOW", "30", values.seconds(0.1, DAY)
            ),
            max_inflight=reader.read(
                "ANGARIUM_MAX_INFLIGHT", "1024", values.whole_number(1, 1_000_000)
            ),
            max_logins=reader.read("ANGARIUM_MAX_LOGINS", "64", values.whole_number(1, 10_000)),
            log_level=reader.read("ANGARIUM_LOG_LEVEL", "INFO", values.one_of(*LEVELS)),
            log_format=reader.read(
                "ANGARIUM_LOG_FORMAT",
                "text" if terminal else "json",
                values.one_of("json", "text"),
            ),
            demo=(demo := reader.read("ANGARIUM_DEMO", "0", values.switch)),
            page=reader.read(
                "ANGARIUM_PAGE", "1" if demo or users is DEMO_USERS else "0", values.switch
            ),
            url=reader.read("ANGARIUM_URL", "http://127.0.0.1:8080", addresses.web_address),
            shown=tuple(reader.shown),
        )
        problems = (
            *reader.problems,
            *contradictions(reader, settings.kafka_security, command),
            *settings._exposed_problems(command),
        )
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def is_exposed(self) -> bool:
        """Whether others can reach the API without ANGARIUM_DEMO=1.

        Then no password or secret that everybody knows may be in use.

        Returns:
            False with ANGARIUM_DEMO=1 or a loopback address.
        """
        return not self.demo and not addresses.is_loopback(self.published_host or self.host)

    @property
    def allows_demo_users(self) -> bool:
        """Whether a user whose password everybody knows can log in."""
        return self.demo or self.users is DEMO_USERS

    @property
    def exposure(self) -> str:
        """Name the setting that exposes the API, to begin an error.

        Returns:
            The setting's name and value, and what is wrong with it.
        """
        if self.published_host is None:
            return f"ANGARIUM_HOST is {values.quote(self.host)}, which other machines may reach"
        return (
            "ANGARIUM_PUBLISHED_HOST (under Compose: ANGARIUM_HOST of .env) is "
            f"{values.quote(self.published_host)}, which other machines may reach"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Name the promises that valid settings do not keep.

        Returns:
            One line each.
        """
        asked = _COPIES_ASKED.get(self.consistency)
        if not self.cassandra or asked is None or 2 * asked > self.replication:
            return ()
        warning = (
            f"ANGARIUM_CONSISTENCY is {self.consistency}, but ANGARIUM_REPLICATION is "
            f"{self.replication}: a read may miss what was written. An id may become two "
            "messages, messages may be missing, out of order or behind a cursor, and a status "
            "may fall (docs/guarantees.md, 1 to 5); write LOCAL_QUORUM, unless a single node is "
            "all there is"
        )
        return (warning,)

    def _exposed_problems(self, command: str | None) -> Iterator[str]:
        """Report published passwords and secrets on an exposed service.

        Args:
            command: Which one is to start.

        Yields:
            One line for each problem.
        """
        public = [*self._public_secret(command), *self._public_passwords(command)]
        # Last, because it may resolve a name.
        if public and self.is_exposed:
            yield from (f"{self.exposure}, and {problem}" for problem in public)

    def _public_secret(self, command: str | None) -> Iterator[str]:
        """Report the signing secret of the demo."""
        if (
            command in _OF_THE_SERVICE
            and self.jwt_secret is not None
            and is_published(self.jwt_secret)
        ):
            yield (
                "ANGARIUM_JWT_SECRET is the published demo secret, with which everybody can log "
                "in as anybody; write what `openssl rand -hex 32` prints, or set ANGARIUM_DEMO=1 "
                "to keep it all the same"
            )

    def _public_passwords(self, command: str | None) -> Iterator[str]:
        """Report users whose passwords everybody knows."""
        if command not in _OF_THE_API:
            return
        if self.users is DEMO_USERS:
            yield (
                "everybody knows the demo users' passwords; name a file of your own in "
                "ANGARIUM_USERS, or set ANGARIUM_DEMO=1 to keep the demo users all the same"
            )
            return
        names = [user.username for user in self.users if user.has_public_password]
        if names:
            yield (
                f"everybody knows the passwords of {', '.join(names)} in ANGARIUM_USERS; give "
                "each another one, or set ANGARIUM_DEMO=1 to keep them all the same"
            )


def _users(reader: Reader, is_hash: Callable[[str], bool]) -> tuple[ConfiguredUser, ...]:
    """Read the users' file, or take the demo users."""
    path = reader.optional("ANGARIUM_USERS", values.file)
    if not reader.is_set("ANGARIUM_USERS"):
        names = ", ".join(DEMO_PEOPLE)
        reader.shown[-1] = Shown("ANGARIUM_USERS", f"demo users {names}", Source.DEFAULT)
        return DEMO_USERS
    if path is None:
        return ()
    users, problems = read_users(path, is_hash)
    reader.problems += [
        f"ANGARIUM_USERS is {values.quote(str(path))}: {problem}" for problem in problems
    ]
    return users
