"""A cache of parsed heads, because clients repeat themselves.

Through a load balancer the same head comes on many connections
(docs/adr/0022).
"""

from angarium.api.transport import http_parser
from angarium.api.transport.http_parser import RequestHead
from angarium.api.transport.request_framing import Framing, framing_of

MAX_HEADS = 512
"""Heads in the cache, of 1 MiB at most; the oldest makes room."""

MAX_HEAD_BYTES = 2 * 1024
"""Longer heads are not cached; those of usual clients are shorter."""


class KnownHead:
    """A well-formed head, and how its request is delimited.

    Attributes:
        request: The parsed head.
    """

    __slots__ = ("_framing", "request")

    def __init__(self, request: RequestHead) -> None:
        """Keep a head, whose framing is not checked yet."""
        self.request = request
        self._framing: Framing | None = None

    def framing(self) -> Framing:
        """Find where the request ends, once for equal heads.

        Returns:
            As `framing_of`.

        Raises:
            HttpError: As `framing_of`.
        """
        if self._framing is None:
            self._framing = framing_of(self.request)
        return self._framing


class HeadCache:
    """Parses heads, equal ones only once; used by one thread."""

    def __init__(self, max_heads: int = MAX_HEADS) -> None:
        """Start empty.

        Args:
            max_heads: Heads in the cache; the oldest makes room.
        """
        self._max_heads = max_heads
        self._heads: dict[bytes, KnownHead] = {}

    def read(self, head: bytes) -> KnownHead:
        """Parse a head.

        Args:
            head: From the request's line to the last field, without the
                last line end; within the limits.

        Returns:
            The same object for the same bytes while it is cached.

        Raises:
            HttpError: It is malformed.
        """
        known = self._heads.get(head)
        if known is None:
            known = KnownHead(http_parser.parse_head(head))
            if len(head) <= MAX_HEAD_BYTES:
                if len(self._heads) >= self._max_heads:
                    del self._heads[next(iter(self._heads))]
                self._heads[head] = known
        return known
