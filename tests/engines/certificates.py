"""Certificates of an authority that nobody else knows, as files
in PEM.
"""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Certificates:
    """What servers and their clients need to trust each other.

    Attributes:
        authority: Whom to trust.
        server: A server's key and certificate in one file, as Kafka and
            Cassandra read it.
        client: A client's certificate.
        client_key: Its key.
    """

    def __init__(self, folder: Path, *addresses: str) -> None:
        """Make them.

        Args:
            folder: Where the files are; made when missing.
            addresses: The server's.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = folder / "authority.pem"
        self.server = folder / "server.pem"
        self.client = folder / "client.pem"
        self.client_key = folder / "client-key.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        server, client = authority.issue_cert(*addresses), authority.issue_cert("client.test")
        self.server.write_bytes(_key(server) + _chain(server))
        self.client.write_bytes(_chain(client))
        self.client_key.write_bytes(_key(client))


def _key(issued: trustme.LeafCert) -> bytes:
    """Give the key in the one form that Java reads, PKCS #8."""
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _chain(issued: trustme.LeafCert) -> bytes:
    return b"".join(each.bytes() for each in issued.cert_chain_pems)
