"""Building the worker on an engine."""

from angarium.clock import Clock
from angarium.config import Settings
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from angarium.wiring.engine import Engine


def router_worker(settings: Settings, engine: Engine, clock: Clock) -> Worker:
    """Build the worker.

    Args:
        settings: The partition count and the presence window.
        engine: The log and the stores.
        clock: Used for presence, retries and logs.

    Returns:
        A worker; `run` starts it.
    """
    online = OnlineUsers(engine.presence, settings.presence_window_s, clock)
    return Worker(
        engine.consumer,
        settings.partitions,
        engine.message_writer,
        engine.dead_letters,
        online,
        clock,
    )
