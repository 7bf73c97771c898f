"""Fixed threads for requests that must wait, so that the thread that owns the connections never does."""

import contextlib
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

Job = Callable[[], None]


class Pool:
    """A few threads and a bounded queue before them."""

    def __init__(self, name: str, threads: int, capacity: int) -> None:
        self._name = name
        self._size = threads
        self._capacity = capacity
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads; they end with the program, even while one of them hangs."""
        for number in range(self._size):
            thread = threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, job: Job) -> bool:
        """Queue a job; to be called from one thread only, which is what makes the bound exact.

        Args:
            job: Called on one of the threads; must not raise.

        Returns:
            False, and nothing is queued, when the queue is full.
        """
        if self._queue.qsize() >= self._capacity:
            return False
        self._queue.put(job)
        return True

    def close(self, patience: float) -> None:
        """Let the threads finish what they do, and no more.

        Args:
            patience: Seconds to wait for all of them; one that hangs is left behind.
        """
        with contextlib.suppress(Empty):
            while True:
                self._queue.get_nowait()
        for _ in self._threads:
            self._queue.put(None)
        give_up = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if job is None:
                return
            job()
