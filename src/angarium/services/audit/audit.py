"""`angarium audit`: log and store compared, while everything runs.

The order of reading makes it right (docs/adr/0026): how far the group
has committed, then the store, then where the log ends, then the log up
to there. So every committed record must be in the store that was read,
and nothing can be in it that the log which was read does not explain.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector, OffsetRange
from angarium.ports.message_log import BEGINNING, Position
from angarium.ports.store_inspection import StoreInspector
from angarium.services.audit.external_sort import ExternalSorter
from angarium.services.audit.facts import FACT_BYTES, MessageFacts, group_facts
from angarium.services.audit.findings import Finding, FindingKind, Findings
from angarium.services.audit.judgement import Verdict, judge
from angarium.services.audit.log_range import LogRange
from angarium.services.audit.log_scan import DeadLetterLookup, LogScan
from angarium.services.audit.store_walk import Pace, StoreWalk
from angarium.services.audit.watermark_inference import WatermarkInference
from angarium.services.outage_retry import OutageRetry

MESSAGES_PER_STEP = 1_000
"""Messages that are judged between two lines of progress."""


class Step(NamedTuple):
    """How far an audit is.

    Attributes:
        doing: What is being done, for a person.
        done: How much of it is done.
        total: Of how much; None when that is not known.
    """

    doing: str
    done: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """What an audit reads.

    Attributes:
        log: The log and its group.
        dead_letters: Which records could not be applied.
        store: All rows.
    """

    log: LogInspector
    dead_letters: DeadLetterInspector
    store: StoreInspector


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What was compared.

    Attributes:
        records: Committed records that the log has.
        partitions: In how many partitions.
        messages: Messages that they ask to store.
        conversations: In how many conversations.
        older: Stored messages from before what the log has: imported,
            or their records were removed. The log cannot judge them.
        rows: Rows that were read of the store.
        waiting: Records that were not committed, and are not judged.
        seconds: How long it took.
    """

    records: int
    partitions: int
    messages: int
    conversations: int
    older: int
    rows: int
    waiting: int
    seconds: float


def audit(
    sources: Sources,
    findings: Findings,
    retry: OutageRetry,
    pace: Pace,
    clock: Clock,
    progress: Callable[[Step], None] = lambda _: None,
    conversation_id: UUID | None = None,
) -> AuditSummary:
    """Compare everything that is committed with what is stored.

    Args:
        sources: What is read.
        findings: Takes every difference.
        retry: Repeats reads through outages.
        pace: How fast the store is read.
        clock: Measures how long it takes.
        progress: Called often, with how far it is.
        conversation_id: Only this conversation; None compares all.

    Returns:
        What was compared.

    Raises:
        Unavailable: An outage of log or store was too long.
        OSError: There is no room for temporary files.
    """
    started = clock.monotonic()
    with ExitStack() as stack:
        facts = stack.enter_context(closing(ExternalSorter(FACT_BYTES)))
        letters = stack.enter_context(closing(DeadLetterLookup()))
        committed = retry(sources.log.committed)
        walk = StoreWalk(sources.store, retry, pace, lambda at: progress(_walking(at)))
        walk.read(conversation_id, facts)
        # Only now: whatever is stored came from a record before here.
        held = retry(lambda: _held(sources.log, committed))
        ends = [end for _, end in held]
        letters.read(sources.dead_letters, retry)
        only = _partitions(conversation_id, len(ends))
        total = sum(end - first for first, end in (held[partition] for partition in only))
        invalid = stack.enter_context(closing(Findings()))
        scan = LogScan(
            sources.log, letters, retry, invalid, lambda at: progress(_scanning(at, total))
        )
        scan.read(ends, committed, conversation_id, only, facts)
        comparison = _Comparison(_ranges(sources, retry, committed), findings)
        comparison.add_invalid(invalid)
        comparison.run(facts, progress)
    return AuditSummary(
        scan.records,
        len(only),
        comparison.messages,
        comparison.conversations,
        comparison.older,
        walk.rows,
        scan.waiting,
        clock.monotonic() - started,
    )


def _walking(walk: StoreWalk) -> Step:
    """Say how far the store is read."""
    return Step(f"reading the store, {walk.conversations:,} conversations", walk.rows)


def _scanning(scan: LogScan, total: int) -> Step:
    """Say how far the log is read."""
    return Step("reading the log", scan.done, max(total, scan.done))


def _held(log: LogInspector, committed: Mapping[int, Position]) -> Sequence[OffsetRange]:
    """Return what each partition holds, all that is committed too."""
    held = log.ranges()
    for partition, position in committed.items():
        if held[partition].end < position.offset:
            raise LogUnavailable(
                f"partition {partition} ends at {held[partition].end}, but the group has "
                f"committed {position.offset}: the log has lost records, or is another one"
            )
    return held


def _partitions(conversation_id: UUID | None, count: int) -> Sequence[int]:
    """Return the partitions that are read."""
    if conversation_id is None:
        return range(count)
    return [partition_for(str(conversation_id).encode(), count)]


def _ranges(
    sources: Sources, retry: OutageRetry, committed: Mapping[int, Position]
) -> Sequence[LogRange]:
    """Return what of the log was there all the time.

    Retention may have removed records while others were read. Asked in
    this order, a start that belongs to what is held is never missed.
    """
    held = retry(sources.log.ranges)
    starts = retry(sources.store.log_starts)
    return [
        _range(first, starts.get(partition, BEGINNING), committed.get(partition, BEGINNING))
        for partition, (first, _) in enumerate(held)
    ]


def _range(first: int, start: Position, committed: Position) -> LogRange:
    """Combine what a log holds with what is known of its start."""
    return LogRange(
        first=max(first, start.offset),
        floor=start.watermark,
        is_exact=start.offset >= first,
        committed=committed.offset,
        committed_watermark=committed.watermark,
    )


class _Comparison:
    """Judges message after message, and counts them."""

    def __init__(self, ranges: Sequence[LogRange], findings: Findings) -> None:
        """Start before the first message."""
        self._ranges = ranges
        self._findings = findings
        self._last: UUID | None = None
        self.messages = 0
        self.conversations = 0
        self.older = 0

    def add_invalid(self, invalid: Findings) -> None:
        """Take over records without a dead letter that are there."""
        for finding in invalid.all():
            if finding.offset >= self._ranges[finding.partition].first:
                self._findings.add(finding)

    def run(self, facts: ExternalSorter, progress: Callable[[Step], None]) -> None:
        """Judge all messages."""
        with closing(WatermarkInference()) as watermarks:
            for count, about in enumerate(group_facts(facts.read_sorted())):
                if count % MESSAGES_PER_STEP == 0:
                    progress(Step("comparing", count))
                key = str(about.conversation_id).encode()
                partition = partition_for(key, len(self._ranges))
                verdict = judge(about, self._ranges[partition])
                self._count(about, verdict)
                for kind, offset in verdict.faults:
                    self._findings.add(_finding(about, kind, partition, offset))
                self._infer(about, verdict, partition, watermarks)
            for finding in watermarks.find_misplaced():
                self._findings.add(finding)

    def _count(self, about: MessageFacts, verdict: Verdict) -> None:
        """Count a message, and its conversation once."""
        self.older += verdict.is_older
        if verdict.is_due:
            self.messages += 1
            # Sorted: the messages of a conversation are neighbours.
            self.conversations += about.conversation_id != self._last
            self._last = about.conversation_id

    def _infer(
        self,
        about: MessageFacts,
        verdict: Verdict,
        partition: int,
        watermarks: WatermarkInference,
    ) -> None:
        """Note what a row says about a watermark that is not known."""
        log = self._ranges[partition]
        if log.is_exact or verdict.stored is None:
            return
        record, row = verdict.stored
        if row.position.timestamp == log.time(record.watermark):
            watermarks.confirm(partition, row.position.timestamp)
        else:
            misplaced = _finding(about, FindingKind.MISPLACED, partition, record.offset)
            watermarks.claim(misplaced, row.position.timestamp)


def _finding(about: MessageFacts, kind: FindingKind, partition: int, offset: int) -> Finding:
    """Name what is wrong with a message."""
    return Finding(kind, about.conversation_id, about.message_id, partition, offset)
