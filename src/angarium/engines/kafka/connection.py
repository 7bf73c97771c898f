"""Where the brokers are, and how to prove to them who we are."""

import threading
import time
from collections.abc import Callable
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
    """What every client of the brokers is made with.

    Attributes:
        servers: `host:port` of one broker or more; the others are found
            through them.
        protocol: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
        sasl_mechanism: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`;
            None without SASL, like the next two.
        sasl_username: Who logs in.
        sasl_password: With which password.
        cafile: Whom to trust, in PEM; the system's own list when None.
        certfile: The client's certificate, in PEM; None when brokers
            ask for none.
        keyfile: Its key, in PEM.
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
        """Say it in the client library's terms.

        Returns:
            Arguments for a producer, a consumer or an administrator of
            kafka-python.
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
        return ",".join(self.servers)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


Client = TypeVar("Client")
Network = TypeVar("Network", bound="NetworkClient")

RECONNECT_MS = 1_000
"""The longest pause between two tries to connect, so that a broker that
is back is found at once.
"""


def find_topic(client: NetworkClient, topic: str, seconds: float) -> int:
    """Wait until a topic's metadata is there.

    The library asks once, and a metadata request that was under way
    before ends the wish for another one: a producer would block, and a
    consumer would join its group without the topic and get nothing.

    Args:
        client: Which has the topic among those that it asks for.
        topic: Which topic.
        seconds: How long.

    Returns:
        Its partition count.

    Raises:
        LogUnavailable: No broker knows it.
    """
    give_up_at = time.monotonic() + seconds
    while (partitions := client.cluster.partitions_for_topic(topic)) is None:
        left = give_up_at - time.monotonic()
        if left <= 0:
            raise LogUnavailable(f"topic {topic!r} was not found; `angarium init` makes it")
        answered = threading.Event()
        client.cluster.request_update().add_both(lambda _, told=answered: told.set())
        client.wakeup()
        answered.wait(left)
    return len(partitions)


class ClientFactory(Generic[Network]):
    """Hands a network client to a library object and remembers it: the
    only way to close one that failed.
    """

    def __init__(self, kind: type[Network]) -> None:
        """Choose the client.

        Args:
            kind: Its class.
        """
        self._kind = kind
        self._client: Network | None = None

    def make(self, **configs: object) -> Network:
        """Make the client; given to the library as `kafka_client`.

        Args:
            **configs: What the library passes on.

        Returns:
            The client.
        """
        self._client = self._kind(**configs)
        return self._client

    @property
    def client(self) -> Network:
        """The client, once it was made."""
        assert self._client is not None, "the library makes its client first"  # noqa: S101 - states an order
        return self._client

    def connect(self, servers: object, make: Callable[[], Client]) -> Client:
        """Make a library object, and leave no thread or socket behind
        when that fails.

        Args:
            servers: Names the brokers, for the message.
            make: Makes it, with `self.make` as its `kafka_client`.

        Returns:
            The object.

        Raises:
            LogUnavailable: No broker answers, or it refuses us.
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
