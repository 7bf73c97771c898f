"""The worker on an engine."""

from angarium.clock import Clock
from angarium.config import Settings
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from angarium.wiring.engine import Engine


def router_worker(settings: Settings, engine: Engine, clock: Clock) -> Worker:
    """Put the worker together.

    Args:
        settings: The partition count, and windows.
        engine: What it stands on.
        clock: Tells the time.

    Returns:
        A worker that runs once it is told to.
    """
    online = OnlineUsers(engine.presence, settings.presence_window, clock)
    return Worker(
        engine.consumer, settings.partitions, engine.recorder, engine.dead_letters, online, clock
    )
