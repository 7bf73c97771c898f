"""Audits of a service that is killed meanwhile: none may accuse it."""

import json
import threading
from collections.abc import Callable
from subprocess import CompletedProcess
from types import TracebackType
from typing import Any, Self

PAUSE_S = 3.0
"""Between two audits. Without a pause they alone would keep a core
busy.
"""

Run = Callable[..., "CompletedProcess[str]"]

KINDS = ("missing", "altered", "misplaced", "doubled", "unexplained", "undelivered", "unburied")


def audited(run: Run) -> Any:
    """Audit once; the service must not be accused."""
    done = run("audit", "--json")
    assert done.returncode == 0, (done.stdout[:4_000], done.stderr[-4_000:])
    report = json.loads(done.stdout)
    assert [report[kind] for kind in KINDS] == [[]] * len(KINDS)
    return report


class RepeatedAudits:
    """Audits over and over, beside whatever a block does.

    Attributes:
        reports: What the audits said.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._enough = threading.Event()
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._audit, daemon=True)
        self.reports: list[Any] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join()
        if error is None and self._failures:
            raise self._failures[0]

    def _audit(self) -> None:
        ended = False
        while not ended:
            try:
                self.reports.append(audited(self._run))
            except BaseException as error:  # noqa: BLE001 - raised where the block ends
                self._failures.append(error)
                return
            ended = self._enough.wait(PAUSE_S)
