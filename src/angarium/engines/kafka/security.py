"""Where the brokers are, and how to prove to them who we are."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KafkaConnectionSettings:
    """What every client of the brokers is made with.

    Attributes:
        servers: `host:port` of one broker or more; the others are found through them.
        protocol: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
        sasl_mechanism: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; None without SASL, like the next two.
        sasl_username: Who logs in.
        sasl_password: With which password.
        cafile: Whom to trust, in PEM; the system's own list when None.
        certfile: The client's certificate, in PEM; None when brokers ask for none.
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
            Arguments for a producer, a consumer or an administrator of kafka-python.
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
