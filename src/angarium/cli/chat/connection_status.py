"""Whether the server can be reached, told once each way."""

import threading

from angarium.cli.chat.events import Back, Lost, Post
from angarium.cli.errors import RequestFailed, ServerAway


class ConnectionStatus:
    """Gathers what the threads meet, so that one outage is one notice;
    used by any thread.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._troubled: set[str] = set()

    def failed(self, party: str, failure: RequestFailed) -> None:
        """Note a request that failed and will be repeated.

        Args:
            party: Whose request it was.
            failure: Why.
        """
        with self._lock:
            first = not self._troubled
            self._troubled.add(party)
        if first:
            self._post(Lost(failure.reason if isinstance(failure, ServerAway) else str(failure)))

    def worked(self, party: str) -> None:
        """Note a request that succeeded.

        Args:
            party: Whose request it was.
        """
        with self._lock:
            mended = self._troubled == {party}
            self._troubled.discard(party)
        if mended:
            self._post(Back())
