"""Connecting to the brokers: addresses, logins, the first answer."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.errors import CLIENT_ERRORS, unavailable
from angarium.engines.kafka.patches import checksum
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.threads import show_thread_names


@dataclass(frozen=True, slots=True)
class KafkaConnectionSettings:
    """What every client of the brokers is created with.

    Attributes:
        servers: `host:port` of one broker or more; the others are found
            through them.
        protocol: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
        sasl_mechanism: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`;
            None without SASL, like the next two.
        sasl_username: The user that logs in.
        sasl_password: Its password; never shown.
        cafile: Trusted certificate authorities in PEM; the system's
            list when None.
        certfile: The client's certificate in PEM; None when brokers ask
            for none.
        keyfile: Its key in PEM.
    """

    servers: tuple[str, ...]
    protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None

    def options(self) -> dict[str, object]:
        """Return the settings under the names of kafka-python.

        Returns:
            Arguments for a producer, a consumer or an administrator.
        """
        return {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            "ssl_cafile": _text(self.cafile),
            "ssl_certfile": _text(self.certfile),
            "ssl_keyfile": _text(self.keyfile),
        }

    def __str__(self) -> str:
        """Return the addresses, for log lines and errors."""
        return ",".join(self.servers)


def _text(path: Path | None) -> str | None:
    """Return a path as text; None stays None, which means "not set"."""
    return None if path is None else str(path)


Client = TypeVar("Client")
Network = TypeVar("Network", bound="NetworkClient")

RECONNECT_MS = 1_000
"""Maximum pause between two attempts to connect, so that a broker that
returns is found at once.
"""

CLIENT_OPTIONS: Mapping[str, object] = {
    "request_timeout_ms": 5_000,
    "retry_backoff_ms": 100,
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": RECONNECT_MS,
    # With the search for the topic, connecting takes at most 3 s.
    "bootstrap_timeout_ms": 1_500,
    "metadata_max_age_ms": 60_000,
    "allow_auto_create_topics": False,  # `angarium init` creates them, with their settings
    "metrics_enabled": False,  # nothing reads the library's own, and they cost time
}
"""Options of every producer and consumer; one that needs another value
gives it after these.
"""

CONSUMER_OPTIONS: Mapping[str, object] = {
    **CLIENT_OPTIONS,
    "isolation_level": "read_committed",  # an aborted transaction was never sent
    "enable_auto_commit": False,  # an offset is committed after the store has the record
}
"""Options of every consumer."""


def find_topic(client: NetworkClient, topic: str, seconds: float) -> int:
    """Wait until the metadata of a topic is known.

    The library asks once. A metadata request that was already in flight
    cancels the next one: a producer would block, and a consumer would
    join its group without the topic and get no records (docs/adr/0013).

    Args:
        client: Has the topic among those that it asks for.
        topic: The topic's name.
        seconds: Maximum wait.

    Returns:
        The topic's partition count.

    Raises:
        LogUnavailable: No broker knows the topic.
    """
    give_up_at = time.monotonic() + seconds
    while (partitions := client.cluster.partitions_for_topic(topic)) is None:
        left = give_up_at - time.monotonic()
        if left <= 0:
            raise LogUnavailable(f"topic {topic!r} was not found: create it with `angarium init`")
        answered = threading.Event()
        client.cluster.request_update().add_both(lambda _, event=answered: event.set())
        client.wakeup()
        answered.wait(left)
    return len(partitions)


class ClientFactory(Generic[Network]):
    """Creates a library object's network client and keeps it.

    That is the only way to close the client of an object that failed.
    """

    def __init__(self, kind: type[Network]) -> None:
        """Choose the class of the network client.

        Args:
            kind: One of the classes in `patches`.
        """
        self._kind = kind
        self._client: Network | None = None

    def make(self, **configs: object) -> Network:
        """Create the client; passed to the library as `kafka_client`.

        Args:
            **configs: Settings that the library passes.

        Returns:
            The client, which is also kept.
        """
        self._client = self._kind(**configs)
        return self._client

    @property
    def client(self) -> Network:
        """The client, after the library has created it."""
        assert self._client is not None, "the library makes its client first"  # noqa: S101 - states an order
        return self._client

    def connect(self, servers: object, make: Callable[[], Client]) -> Client:
        """Create a library object; a failure leaves no thread behind.

        Args:
            servers: The brokers, for the error text.
            make: Creates it, with `self.make` as its `kafka_client`.

        Returns:
            The object.

        Raises:
            LogUnavailable: No broker answers, or it refuses the login.
        """
        checksum.install()
        try:
            made = make()
        except Exception as error:
            if self._client is not None:
                self._client.close()
            if isinstance(error, CLIENT_ERRORS):
                raise unavailable(f"no broker of {servers} answers", error) from error
            raise
        show_thread_names()
        return made
