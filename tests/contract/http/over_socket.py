"""Reaches a service over the network, byte for byte as the client
said.
"""

from http.client import HTTPConnection
from urllib.parse import urlsplit

from angarium.api.request_headers import Headers
from tests.contract.http.client import Answer, Request

TIMEOUT = 30.0


class OverSocket:
    """Sends each request on a connection of its own."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host = parts.hostname
        self._port = parts.port

    def __call__(self, request: Request) -> Answer:
        connection = HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.putrequest(request.method, request.target, skip_accept_encoding=True)
            for name, value in request.fields:
                connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(request.body)
            response = connection.getresponse()
            return Answer(
                request, response.status, Headers(response.getheaders()), response.read()
            )
        finally:
            connection.close()
