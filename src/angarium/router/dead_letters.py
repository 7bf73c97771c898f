"""Putting away what cannot be applied."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from angarium import logs
from angarium.ports.message_log import DeadLetter, DeadLetterLog
from angarium.router.progress import OffsetTracker
from angarium.router.work import Task

_log = logs.get("angarium.router")


class DeadLetterTask(Task):
    """Keeps one dead letter; its offset is finished once it is durable."""

    def __init__(self, letter: DeadLetter, progress: OffsetTracker, dead_letters: DeadLetterLog) -> None:
        self.progress = progress
        self._letter = letter
        self._dead_letters = dead_letters
        self._answer: Future[None]

    def start(self, ended: Callable[[object], None]) -> None:
        """Hand the letter over.

        Args:
            ended: The callback.
        """
        self._answer = self._dead_letters.append(self._letter)
        self._answer.add_done_callback(ended)

    def finish(self) -> Sequence[DeadLetter]:
        """Tell of the letter.

        Returns:
            Nothing more to put away.
        """
        self._answer.result(0)
        _log.warning(
            "dead_lettered",
            f"A record cannot be applied and was put away: {self._letter.detail}",
            reason=self._letter.reason,
            **self.log_context(),
        )
        self.progress.finish(self._letter.record.offset)
        return ()

    def log_context(self) -> Mapping[str, object]:
        """Name the letter.

        Returns:
            Its trace, the ids of its event where that could be read, and the position of its record.
        """
        letter = self._letter
        ids = {"conversation_id": letter.conversation_id, "message_id": letter.message_id}
        return {
            "trace_id": letter.trace_id,
            **{name: value for name, value in ids.items() if value is not None},
            "partition": letter.record.partition,
            "offset": letter.record.offset,
        }
