"""`angarium send --trace`: a message as its sender sees it.

It asks the API alone, as any client could; `angarium trace` reads the
log and the store instead.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from angarium import backoff
from angarium.cli.arguments import Parser, seconds
from angarium.cli.console import Console
from angarium.cli.errors import EXIT_FAILED, UsageError
from angarium.cli.text import escape_unprintable
from angarium.client import AcceptedMessage, ApiClient, Client, RequestFailed
from angarium.client.bodies import MessageBody

DEFAULT_TIMEOUT_S = 10.0
"""Seconds until the message must be stored."""

DELIVERY_TIMEOUT_S = 2.0
"""Seconds after that for its delivery, which the recipient decides."""

REQUEST_TIMEOUT_S = 3.0
"""Seconds for one look; the server answers within 2 s."""

FIRST_WAIT_S = 0.02
MAX_WAIT_S = 0.25
"""Between two looks: a worker mostly needs some milliseconds, and a
server that is behind should not be asked more often.
"""

_DELIVERED = "DELIVERED"
_NOT_FOUND = "message_not_found"


def add_options(parser: Parser) -> None:
    """Add the options of a trace to `send`.

    Args:
        parser: That of `send`.
    """
    parser.add_argument(
        "--trace",
        action="store_true",
        help="follow the message through the API: accepted, stored, delivered. The exit status is "
        "0 once it is stored",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help="how long --trace waits until it is stored, and then "
        f"{DELIVERY_TIMEOUT_S:g} s more for the delivery (default: {DEFAULT_TIMEOUT_S:g})",
    )


def timeout_of(arguments: argparse.Namespace) -> float | None:
    """Return how long to follow the message.

    Args:
        arguments: Those of `send`.

    Returns:
        Seconds; None when it is not followed.

    Raises:
        UsageError: There is a timeout for nothing.
    """
    given: float | None = arguments.timeout
    if not arguments.trace:
        if given is not None:
            raise UsageError("send: --timeout goes with --trace; see `angarium send -h`")
        return None
    return DEFAULT_TIMEOUT_S if given is None else given


@dataclass(frozen=True, slots=True)
class MonotonicClock:
    """How time passes; replaced in tests.

    Attributes:
        monotonic: Returns seconds.
        sleep: Waits for seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class SendTrace:
    """Follows one message and tells each step as it happens.

    Attributes:
        console: Where the steps are told.
        name: The recipient.
        as_json: Whether one document is printed at the end instead.
        timeout_s: Seconds until it must be stored.
        clock: Measures the steps.
    """

    console: Console
    name: str
    as_json: bool
    timeout_s: float = DEFAULT_TIMEOUT_S
    clock: MonotonicClock = field(default_factory=MonotonicClock)

    def follow(
        self, send: Callable[[], AcceptedMessage], client: Client, conversation_id: str
    ) -> int:
        """Send, and look until it is delivered or time is up.

        Args:
            send: Sends the message.
            client: The sender's.
            conversation_id: Where it is sent to.

        Returns:
            The exit status: 0 if it is stored.

        Raises:
            RequestFailed: It was not accepted, or a look was refused.
        """
        # A look that fails is repeated here, where time is measured.
        api = ApiClient.at(client.url, client.api.caller, timeout_s=REQUEST_TIMEOUT_S)
        try:
            return self._follow(send, lambda found: api.message(conversation_id, found))
        finally:
            api.close()

    def _follow(
        self, send: Callable[[], AcceptedMessage], look: Callable[[str], MessageBody]
    ) -> int:
        """Send, and tell each step when a look shows it."""
        started = self.clock.monotonic()
        accepted = send()
        accepted_s = self.clock.monotonic() - started
        self._tell("accepted", self._place(accepted, accepted_s))

        stored_by = self.clock.monotonic() + self.timeout_s
        stored = self._await(look, accepted.message_id, stored_by, lambda _: True)
        stored_s = self.clock.monotonic() - started
        if stored is None:
            return self._not_stored(accepted, accepted_s)
        self._tell("stored", f"as {stored.status} after {_milliseconds(stored_s)}")

        delivered_by = self.clock.monotonic() + DELIVERY_TIMEOUT_S
        delivered: MessageBody | None = stored
        if stored.status != _DELIVERED:
            delivered = self._await(
                look, accepted.message_id, delivered_by, lambda found: found.status == _DELIVERED
            )
        delivered_s = self.clock.monotonic() - started
        if delivered is None:
            waited = f"{DELIVERY_TIMEOUT_S:g} s after it was stored"
            self._tell("delivered", f"not yet, {waited}: {self.name} has not confirmed it")
        else:
            self._tell("delivered", f"after {_milliseconds(delivered_s)}")
        if self.as_json:
            self._print(accepted, accepted_s, (stored, stored_s), (delivered, delivered_s))
        return 0

    def _await(
        self,
        look: Callable[[str], MessageBody],
        message_id: str,
        ends_at: float,
        is_reached: Callable[[MessageBody], bool],
    ) -> MessageBody | None:
        """Look until the message is as wanted, or time is up."""
        waits = backoff.delays(FIRST_WAIT_S, MAX_WAIT_S)
        while True:
            try:
                found = look(message_id)
                if is_reached(found):
                    return found
            except RequestFailed as failure:
                # Not stored yet, or a server that may answer later.
                if failure.code != _NOT_FOUND and not failure.retryable:
                    raise
            left_s = ends_at - self.clock.monotonic()
            if left_s <= 0:
                return None
            self.clock.sleep(min(next(waits), left_s))

    def _not_stored(self, accepted: AcceptedMessage, accepted_s: float) -> int:
        """Say that nothing is lost, and where to look."""
        if self.as_json:
            self._print(accepted, accepted_s, (None, 0.0), (None, 0.0))
        conversation_id = json.loads(accepted.body).get("conversation_id")
        self.console.complain(
            f"accepted, but not stored within {self.timeout_s:g} s: the workers are behind or "
            "stopped; it is in the log and will be stored: see "
            f"`angarium trace {conversation_id} {accepted.message_id}` where the service runs"
        )
        return EXIT_FAILED

    def _place(self, accepted: AcceptedMessage, took_s: float) -> str:
        """Say where the log has the message."""
        at = ""
        if accepted.position is not None:
            partition, offset = accepted.position
            at = f"at partition {partition}, offset {offset}, "
        return f"{at}after {_milliseconds(took_s)} ({accepted.message_id})"

    def _tell(self, label: str, text: str) -> None:
        """Print a step at once, for people."""
        if not self.as_json:
            self.console.say(escape_unprintable(f"{label:<11}{text}"))
            self.console.stdout.flush()

    def _print(
        self,
        accepted: AcceptedMessage,
        accepted_s: float,
        stored: tuple[MessageBody | None, float],
        delivered: tuple[MessageBody | None, float],
    ) -> None:
        """Print all steps as one JSON object."""
        body: dict[str, object] = json.loads(accepted.body)
        document = {
            **{name: body.get(name) for name in ("message_id", "conversation_id", "trace_id")},
            "accepted": {
                "at": body.get("accepted_at"),
                "partition": accepted.position and accepted.position.partition,
                "offset": accepted.position and accepted.position.offset,
                "after_ms": _to_ms(accepted_s),
            },
            "stored": _step(stored, "status", "timestamp"),
            "delivered": _step(delivered, "delivered_at"),
        }
        self.console.say_json(json.dumps(document, ensure_ascii=False))


def _step(step: tuple[MessageBody | None, float], *names: str) -> dict[str, object] | None:
    """Describe a step by members of the API's body."""
    found, reached_s = step
    if found is None:
        return None
    members = {name.removeprefix("delivered_"): found.fields.get(name) for name in names}
    return {**members, "after_ms": _to_ms(reached_s)}


def _to_ms(duration_s: float) -> int:
    """Return whole milliseconds."""
    return round(duration_s * 1000)


def _milliseconds(duration_s: float) -> str:
    """Write a duration."""
    return f"{_to_ms(duration_s):,} ms"
