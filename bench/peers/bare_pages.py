"""Cassandra's driver and nothing else: as many pages on their way as
there are readers.
"""

import os
import sys
from uuid import UUID

from angarium.engines.cassandra.statements import Statement
from bench.library import take_turns
from bench.peers.clients import session
from bench.table import Figures
from bench.window import Window

ON_THEIR_WAY = 16
PAGE = 50


class Reading:
    """Keeps a number of pages of one conversation on their way."""

    def __init__(self) -> None:
        self._session, prepared = session()
        self._question = prepared[Statement.NEWEST].bind(
            (UUID(os.environ["BENCH_CONVERSATION"]), PAGE)
        )
        self._window = Window(ON_THEIR_WAY)

    def run(self, seconds: float) -> Figures:
        """Read for so long."""
        return self._window.run(seconds, self._ask)

    def _ask(self) -> None:
        self._session.execute_async(self._question).add_callbacks(self._came, self._window.failed)

    def _came(self, rows: list[object]) -> None:
        if len(rows) == PAGE:
            self._window.came()
        else:
            self._window.failed(ValueError(f"a page has {len(rows)} rows"))


def main() -> int:
    """Read in the turns that are asked for."""
    take_turns(Reading().run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
