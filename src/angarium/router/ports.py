"""What the worker works on, besides the consumer."""

import random
from dataclasses import dataclass

from angarium.clock import Clock
from angarium.ports.message_log import DeadLetterLog
from angarium.ports.messages import MessageWriter
from angarium.router.outage import DependencyHealth, Uniform
from angarium.router.pace import WorkerLimits
from angarium.router.presence import Online


@dataclass(frozen=True, slots=True)
class WorkerDependencies:
    """The ports of one worker and what shapes its waits.

    Attributes:
        partitions: How many partitions the log has.
        recorder: Where messages are stored.
        dead_letters: Where records go that cannot be applied.
        online: Who is online.
        clock: Tells the time.
        limits: The worker's bounds.
        uniform: Draws the jitter of waits between two bounds.
    """

    partitions: int
    recorder: MessageWriter
    dead_letters: DeadLetterLog
    online: Online
    clock: Clock
    limits: WorkerLimits
    uniform: Uniform = random.uniform

    def health_of(self, part: str, what: str) -> DependencyHealth:
        """Watch one dependency.

        Args:
            part: Names it in actions.
            what: Names it for a person.

        Returns:
            Its state, so far in order.
        """
        return DependencyHealth(part, what, self.clock, self.uniform, self.limits.max_retry_delay_s)
