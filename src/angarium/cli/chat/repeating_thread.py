"""A thread that does one thing again and again."""

import threading
from collections.abc import Callable


class RepeatingThread:
    """Repeats a step until it is stopped."""

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        failed: Callable[[Exception], None],
        finish: Callable[[], None],
        spacing: float = 0.0,
    ) -> None:
        """Prepare the thread.

        Args:
            name: The thread's.
            step: Gives the seconds until the next one.
            failed: Told when a step raised; there is no next one then.
            finish: Called last.
            spacing: Seconds between two steps at least, even when there
                is news.
        """
        self._step = step
        self._failed = failed
        self._finish = finish
        self._spacing = spacing
        self._news = threading.Event()
        self._stopping = threading.Event()
        # A request that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def nudge(self) -> None:
        """Have the next step now; used by any thread."""
        self._news.set()

    def stop(self) -> None:
        """Have no next step."""
        self._stopping.set()
        self._news.set()

    def join(self, timeout: float) -> None:
        """Wait for the end.

        Args:
            timeout: Seconds at most.
        """
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                wait = self._step()
                if self._stopping.wait(self._spacing):
                    return
                self._news.wait(max(0.0, wait - self._spacing))
                self._news.clear()
        except Exception as error:  # noqa: BLE001 - handed to the thread that can tell it
            self._failed(error)
        finally:
            self._finish()
