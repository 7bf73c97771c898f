"""What carries requests to a server, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Response:
    """What the server said.

    Attributes:
        status: The HTTP status.
        reason: Its words.
        retry_after: The header of this name, None where there is none.
        text: The body.
    """

    status: int
    reason: str
    retry_after: str | None
    text: str


class Transport(Protocol):
    """Carries requests to one server; used by one thread."""

    url: str

    def exchange(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Response:
        """Send a request and wait for its answer.

        Args:
            method: The HTTP method, such as `GET`.
            path: Behind the server's address, with the query.
            body: Sent as JSON.
            headers: More headers.

        Returns:
            The answer, whatever its status.

        Raises:
            ServerUnreachable: There was none in time.
            UnexpectedResponse: It was no HTTP.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...
