"""angarium's worker with parts of it taken away, to see what they cost.

BENCH_WITHOUT=marks,presence,lines,… and the worker's settings: python
-m bench.stripped
"""

import os
import signal
import sys
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from uuid import UUID

from angarium import logs, wiring
from angarium.cli import process
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.message import Message
from angarium.engines.cassandra import cluster, message_writer
from angarium.ports.messages import MessageWriter, Receipt, ReceiptOutcome, StoreOutcome
from angarium.router.worker import Worker
from angarium.wiring.distributed import distributed_engine
from bench.peers.rows import tell

NEVER = sys.maxsize


class Telling:
    """Says what is stored as the peers do: one short line a group
    instead of one a message.
    """

    def __init__(self, message_writer: MessageWriter) -> None:
        self._message_writer = message_writer

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[StoreOutcome, ...]]":
        """Store, and tell of it."""
        answer = self._message_writer.record(conversation_id, messages, online)
        answer.add_done_callback(partial(_tell, messages))
        return answer

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[ReceiptOutcome, ...]]":
        """Nobody confirms in these backlogs."""
        return self._message_writer.mark_delivered(conversation_id, receipts)


def _tell(messages: Sequence[Message], answer: "Future[tuple[StoreOutcome, ...]]") -> None:
    if answer.exception() is None:
        tell([message.position.timestamp for message in messages])


class Nobody:
    """Knows without asking that nobody is online."""

    def find_online(
        self,
        user_ids: Collection[UUID],  # noqa: ARG002 - nobody is
        taken_at: float | None = None,  # noqa: ARG002 - at any time
    ) -> "Future[frozenset[UUID]]":
        """Answer at once."""
        answer: Future[frozenset[UUID]] = Future()
        answer.set_result(frozenset())
        return answer


def stripped(settings: Settings, engine: wiring.Engine, without: Collection[str]) -> Worker:
    """Put the worker together without some parts."""
    if "lines" in without:
        engine = replace(engine, message_writer=Telling(engine.message_writer))
    clock = SystemClock()
    if "presence" not in without:
        return wiring.router_worker(settings, engine, clock)
    return Worker(
        engine.consumer,
        settings.partitions,
        engine.message_writer,
        engine.dead_letters,
        Nobody(),
        clock,
    )


def main() -> int:
    """Work until SIGTERM."""
    without = os.environ["BENCH_WITHOUT"].split(",")
    settings = Settings.from_env(os.environ)
    if "marks" in without:
        message_writer.FULL_SCAN_EVERY = NEVER
    if "second tries" in without:
        cluster.ASK_ANOTHER_AFTER_S = NEVER
    handler = logs.configure(
        "worker", "WARNING" if "lines" in without else settings.log_level, "json"
    )
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with distributed_engine(settings, SystemClock(), "angarium-1") as engine:
        worker = stripped(settings, engine, without)
        process.tune_garbage_collector()
        print("ready", flush=True)
        worker.run(stopping)
    handler.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
