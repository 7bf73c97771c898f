"""A server as a process of ours: started, watched, stopped, killed,
frozen.
"""

import atexit
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.engines.freezing import freeze, resume

_POLL_S = 0.02

# Waits for the end of its input, which comes when we end, however that
# happens.
_GUARD = ("sh", "-c", 'read -r _; kill -9 "$0"')

_running: "weakref.WeakSet[ServerProcess]" = weakref.WeakSet()


class NotReady(Exception):
    """A server did not come up, or went away; the message ends with
    what it wrote last.
    """


class ServerProcess:
    """One run of a server in a session of its own, so that Ctrl-C
    reaches it through us only.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        """Start it.

        Args:
            name: For messages.
            command: The program and its arguments.
            log: Where its output is appended.
            environment: Instead of ours.
        """
        self.name = name
        self.log = log
        self._frozen = False
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            [*_GUARD, str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _running.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until it answers; it is killed when it does not.

        Args:
            ready: Asks it; false as long as it does not answer.
            seconds: How long it may take.

        Raises:
            NotReady: It ended, or took longer.
        """
        give_up_at = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                self._ended()
                raise NotReady(
                    f"{self.name} ended with {self._process.returncode}: {self.last_words()}"
                )
            if time.monotonic() > give_up_at:
                self.kill()
                raise NotReady(f"{self.name} did not answer in {seconds:g} s: {self.last_words()}")
            time.sleep(_POLL_S)

    def stop(self, seconds: float = 20.0) -> None:
        """Ask it to end, and kill it when it does not; safe to repeat.

        Args:
            seconds: How long it may take to end by itself.
        """
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._ended()

    def kill(self) -> None:
        """End it as a crash does, and wait until the system has taken
        back its ports.
        """
        self._process.kill()
        self._process.wait(20.0)
        self._frozen = False
        self._ended()

    def freeze(self) -> None:
        """Stop its clock: connections stay open and nothing is
        answered.
        """
        freeze(self._process)
        self._frozen = True

    def resume(self) -> None:
        """Let a frozen one go on; does nothing to any other."""
        if self._frozen:
            resume(self._process)
            self._frozen = False

    def last_words(self, lines: int = 30) -> str:
        """Give the end of its log.

        Args:
            lines: How much.

        Returns:
            The log's name and its last lines.
        """
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join([str(self.log), *text.splitlines()[-lines:]])

    def _ended(self) -> None:
        _running.discard(self)
        # Its number may soon be another process's.
        self._guard.kill()
        self._guard.communicate()


@atexit.register
def _stop_what_is_left() -> None:
    for process in list(_running):
        process.kill()
