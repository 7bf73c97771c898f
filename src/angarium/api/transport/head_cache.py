"""Heads that were taken apart before: clients repeat themselves, and a
balancer's connections carry many.
"""

from angarium.api.transport import http_parser
from angarium.api.transport.http_parser import RequestHead
from angarium.api.transport.request_framing import Framing, framing_of

MAX_HEADS = 512
"""Heads that are kept at most; the oldest goes first."""

MAX_HEAD_BYTES = 2 * 1024
"""Bytes of a head that is kept."""


class KnownHead:
    """A head that can be read, and what follows from it.

    Attributes:
        request: Its parts.
    """

    __slots__ = ("_framing", "request")

    def __init__(self, request: RequestHead) -> None:
        self.request = request
        self._framing: Framing | None = None

    def framing(self) -> Framing:
        """Tell how the request is delimited.

        Returns:
            Its body's length and its connection's fate.

        Raises:
            HttpError: There is more than one way to read it, or none.
        """
        if self._framing is None:
            self._framing = framing_of(self.request)
        return self._framing


class HeadCache:
    """Takes heads apart, each but once while it is known; for one
    thread.
    """

    def __init__(self, most: int = MAX_HEADS) -> None:
        """Set the bound.

        Args:
            most: Heads that are kept at most.
        """
        self._most = most
        self._heads: dict[bytes, KnownHead] = {}

    def read(self, head: bytes) -> KnownHead:
        """Take a head apart.

        Args:
            head: From the request's line to the last field, without the
                last line end; within the limits.

        Returns:
            Its parts; the same object for the same bytes while they are
            known.

        Raises:
            HttpError: It cannot be read.
        """
        known = self._heads.get(head)
        if known is None:
            known = KnownHead(http_parser.parse_head(head))
            if len(head) <= MAX_HEAD_BYTES:
                if len(self._heads) >= self._most:
                    del self._heads[next(iter(self._heads))]
                self._heads[head] = known
        return known
