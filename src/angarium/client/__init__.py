"""A Python client of the HTTP API, on the standard library alone.

The commands talk to the service through it. It knows the API and
nothing of the server: neither its settings nor its engines
(docs/adr/0004-ports-and-one-way-imports.md). Programs import it from
`angarium` (docs/client.md).
"""

from angarium.client.api_client import ApiClient, Caller
from angarium.client.bodies import AcceptedMessage
from angarium.client.client import Client
from angarium.client.errors import RequestFailed
from angarium.client.message import Message

__all__ = ["AcceptedMessage", "ApiClient", "Caller", "Client", "Message", "RequestFailed"]
