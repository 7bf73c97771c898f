"""Logs whose acknowledgements the test gives itself."""

from concurrent.futures import Future

from angarium.domain.errors import LogUnavailable
from angarium.ports.message_log import Appended, NewRecord


class PendingLog:
    """Takes every record and acknowledges none."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.futures: list[Future[Appended]] = []

    def append(self, record: NewRecord) -> Future[Appended]:
        self.records.append(record)
        self.futures.append(Future())
        return self.futures[-1]

    def check(self) -> None:
        return


class RefusingLog:
    """Takes nothing."""

    def append(self, record: NewRecord) -> Future[Appended]:
        raise LogUnavailable("the queue is full")

    def check(self) -> None:
        raise LogUnavailable("the queue is full")
