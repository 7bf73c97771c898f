"""A selector that asks the system for nothing in vain.

For each request kafka-python begins to watch its socket for writing and ends it, for each answer it ends
watching for reading and begins again. Done at once, that is half of a request's system calls; at each of them
another thread may take the interpreter, which the server's thread then has to wait for.
"""

from collections import deque
from collections.abc import Mapping
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, DefaultSelector, SelectorKey
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


class LazySelector(BaseSelector):
    """Tells the system what is watched when it asks it, and of that only what has changed.

    A socket that could be written before is said to be so again without asking: whoever writes to it finds
    out if not. Between two such answers the system is asked. One thread at a time selects and watches;
    another one may leave sockets and close them meanwhile, as one does that closes a client.
    """

    def __init__(self, system: BaseSelector | None = None) -> None:
        """Begin with nothing to watch.

        Args:
            system: Asks the system; the best that this one has when it is None.
        """
        self._system = system or DefaultSelector()
        self._keys: dict[FileDescriptorLike, SelectorKey] = {}
        self._told: dict[FileDescriptorLike, int] = {}
        self._changed: deque[FileDescriptorLike] = deque()
        self._written: set[FileDescriptorLike] = set()
        self._presumed = False

    def register(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> SelectorKey:
        """Watch a socket.

        Args:
            fileobj: Which one.
            events: What for.
            data: Is handed back with it.

        Returns:
            Its key.

        Raises:
            KeyError: It is watched already.
            ValueError: It is closed, or there are no such events.
        """
        if fileobj in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd < 0:
            raise ValueError(f"Invalid file descriptor: {fd}")
        return self._watch(SelectorKey(fileobj, fd, events, data))

    def unregister(self, fileobj: "FileDescriptorLike") -> SelectorKey:
        """Watch a socket no longer.

        Args:
            fileobj: Which one; it may be closed.

        Returns:
            The key that it had.

        Raises:
            KeyError: It is not watched.
        """
        key = self._keys.pop(fileobj)
        self._changed.append(fileobj)
        return key

    def modify(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> SelectorKey:
        """Watch a socket for something else.

        Args:
            fileobj: Which one.
            events: What for.
            data: Is handed back with it.

        Returns:
            Its new key.

        Raises:
            KeyError: It is not watched.
            ValueError: There are no such events.
        """
        return self._watch(self._keys[fileobj]._replace(events=events, data=data))

    def get_key(self, fileobj: "FileDescriptorLike") -> SelectorKey:
        """Look a socket up.

        Args:
            fileobj: Which one.

        Returns:
            Its key.

        Raises:
            KeyError: It is not watched. That is asked for each answer, and told without words: to write a
                socket down takes two more system calls.
        """
        return self._keys[fileobj]

    def get_map(self) -> "Mapping[FileDescriptorLike, SelectorKey]":
        """Tell what is watched.

        Returns:
            The key of each socket.
        """
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Wait for a socket.

        Args:
            timeout: Seconds at most; None for no bound.

        Returns:
            Keys, each with the events that came.
        """
        if not self._presumed:
            keys = tuple(self._keys.values())
            writing = [key for key in keys if key.events & EVENT_WRITE and key.fileobj in self._written]
            if writing:
                self._presumed = True
                return [(key, EVENT_WRITE) for key in writing]
        self._presumed = False
        ready = [(key, key.events) for key in self._tell()]
        for found, events in self._system.select(0 if ready else timeout):
            key = self._keys.get(found.fileobj)
            if key is not None:
                ready.append((key, events))
                if events & EVENT_WRITE:
                    self._written.add(key.fileobj)
        return ready

    def close(self) -> None:
        """Give the system's selector back; safe to repeat."""
        self._keys.clear()
        self._system.close()

    def _watch(self, key: SelectorKey) -> SelectorKey:
        if key.events not in _EVENTS:
            raise ValueError(f"Invalid events: {key.events!r}")
        self._keys[key.fileobj] = key
        self._changed.append(key.fileobj)
        return key

    def _tell(self) -> list[SelectorKey]:
        # Gives those that cannot be watched, whose reader or writer has to find out why.
        changed = {self._changed.popleft() for _ in range(len(self._changed))}
        # First those that are gone: a closed socket's number may be another one's by now.
        for fileobj in changed:
            if fileobj not in self._keys:
                self._written.discard(fileobj)
                if self._told.pop(fileobj, 0):
                    self._system.unregister(fileobj)
        keys = map(self._keys.get, changed)
        return [key for key in keys if key is not None and not self._watches(key)]

    def _watches(self, key: SelectorKey) -> bool:
        told = self._told.get(key.fileobj, 0)
        try:
            if not told:
                self._system.register(key.fileobj, key.events)
            elif told != key.events:
                self._system.modify(key.fileobj, key.events)
        except (OSError, ValueError):
            self._told.pop(key.fileobj, None)
            return False
        self._told[key.fileobj] = key.events
        return True


_EVENTS = {EVENT_READ, EVENT_WRITE, EVENT_READ | EVENT_WRITE}
