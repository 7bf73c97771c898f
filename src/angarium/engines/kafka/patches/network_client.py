"""Limits how long connecting may take; says if there is a connection.

Fault: consumers, producers and administrators refuse the two settings
that bound how long a connection may take to be made, though their
network client has them; its default of 10 s is too long to be back in 5
s. And a consumer says nothing when its brokers are gone: its polls are
just empty (docs/adr/0013).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_network_client.py`.
The public way: `kafka_client`, a public setting, takes this class; only
the class that it extends is not documented, nor that a coordinator has
a node id of its own. `bootstrap_connected()` of the library's objects
tells of the first connection only.
Measured: the settings without this class are refused as unknown.
Mended upstream, with the settings in `KafkaProducer`, `KafkaConsumer`
and `KafkaAdminClient`: pass them there, and delete `__init__`.
"""

from kafka.net.compat import KafkaNetClient

CONNECT_MS = 1_500
"""Maximum time to make a connection; kafka-python waits 10 s and more,
too long to recover within 5 s. To a broker that failed before, it adds
a jitter of a fifth at most.
"""


class NetworkClient(KafkaNetClient):  # type: ignore[misc]  # the library has no types
    """A network client that limits how long connecting may take."""

    def __init__(self, **configs: object) -> None:
        """Set both timeouts of a connection to CONNECT_MS.

        Args:
            **configs: Settings that the library passes.
        """
        bounds = {
            "socket_connection_setup_timeout_ms": CONNECT_MS,
            "socket_connection_setup_timeout_max_ms": CONNECT_MS,
        }
        super().__init__(**{**configs, **bounds})

    def has_connection(self) -> bool:
        """Return whether there is a connection to any broker.

        Returns:
            False when there is none; a silent broker counts until a
            request has timed out.
        """
        return any(
            self.connected(node)
            for broker in self.cluster.brokers()
            for node in (broker.node_id, f"coordinator-{broker.node_id}")
        )
