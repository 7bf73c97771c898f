"""Angarium: a messaging backend of an HTTP API, a log and a store.

For programs that talk to a service: `from angarium import Client`
(docs/client.md).
"""

# As of `typing`, whose import would take longer than all of this.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from angarium.client import AcceptedMessage, Client, Message, RequestFailed

__version__ = "0.1.0"

__all__ = ["AcceptedMessage", "Client", "Message", "RequestFailed", "__version__"]


if not TYPE_CHECKING:
    # A type checker that saw this would take every name for one of
    # this module's.
    def __getattr__(name: str) -> object:
        """Load the client when it is asked for.

        The service and the other commands start faster without it.

        Args:
            name: What is imported from here.

        Returns:
            What `angarium.client` has under this name.

        Raises:
            AttributeError: There is no such thing.
        """
        from importlib import import_module

        if name in __all__:
            return getattr(import_module("angarium.client"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List what can be imported from here, for `dir` and help."""
    return sorted({*globals(), *__all__})
