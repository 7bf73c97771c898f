"""kafka-python's producer and nothing else: as many records on their
way as the crowd has connections.
"""

import sys
from itertools import cycle

from bench.backlog import events
from bench.library import take_turns
from bench.peers.clients import Appends
from bench.table import Figures
from bench.window import Window

ON_THEIR_WAY = 64
CONVERSATIONS = 210
LINGER_MS = 3


class Appending:
    """Keeps a number of records on their way."""

    def __init__(self) -> None:
        self._window = Window(ON_THEIR_WAY)
        self._values = cycle(events(CONVERSATIONS, CONVERSATIONS))
        self._appends = Appends(LINGER_MS)

    def run(self, seconds: float) -> Figures:
        """Append for so long."""
        return self._window.run(seconds, self._append)

    def _append(self) -> None:
        sent = self._appends.append(next(self._values))
        sent.add_callback(self._window.came)
        sent.add_errback(self._window.failed)


def main() -> int:
    """Append in the turns that are asked for."""
    take_turns(Appending().run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
