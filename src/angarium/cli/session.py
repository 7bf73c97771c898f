"""A client command's server, login and client."""

import argparse
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from angarium.cli.console import Console
from angarium.cli.credentials import Credentials, SavedLogin, login_command
from angarium.cli.errors import CommandError
from angarium.client import Client, RequestFailed
from angarium.client.api_client import TIMEOUT_S
from angarium.client.bodies import TokenBody
from angarium.client.errors import ServerUnreachable
from angarium.config import Settings

PATIENCE_S = 4.0
"""Seconds over which a command repeats a request that may succeed
later.
"""


SLOW_S = 3.0
"""Seconds without any answer after which a person should know."""

SLOW_LOGIN_S = 6.0
"""The same for a login. It costs 0.2 s of CPU, in a thread of low
priority (docs/adr/0011), so on two cores with six other busy processes
an answer took up to 4.8 s.
"""

QUIET_S = 20.0
"""Seconds without a failure after which the next one is news.

During an outage a request fails more often than that: it has 10 s, and
the waits between are shorter.
"""


class RetryNote:
    """Says once in each outage that a request will be repeated."""

    def __init__(self, url: str, note: Callable[[str], None]) -> None:
        """Name the server.

        Args:
            url: Its address.
            note: Shows a line to the person.
        """
        self._url = url
        self._note = note
        self._last_failure = -math.inf

    @contextmanager
    def watch(self, client: Client, slow_s: float | None = None) -> Iterator[None]:
        """Say during a block that there was no answer at all yet.

        A server that takes connections and is silent, or a network that
        drops them, fails a request only when its time is over.

        Args:
            client: Makes its first request in the block.
            slow_s: Seconds until the line appears; SLOW_S if None.

        Yields:
            Nothing.
        """
        after_s = SLOW_S if slow_s is None else slow_s

        def tell_if_silent() -> None:
            """Say so, unless there was an answer."""
            if not client.api.has_answered:
                left_s = max(0.0, TIMEOUT_S - after_s)
                self(ServerUnreachable(self._url, "no answer"), left_s)

        timer = threading.Timer(after_s, tell_if_silent)
        timer.daemon = True
        # Where the system has no thread to spare, it is told later.
        with suppress(RuntimeError):
            timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def __call__(self, failure: RequestFailed, left_s: float) -> None:
        """Say what failed, and until when it is repeated.

        Args:
            failure: The first one is named.
            left_s: Seconds until giving up; infinite for never.
        """
        now = time.monotonic()
        is_news = now - self._last_failure > QUIET_S
        self._last_failure = now
        if not is_news:
            return
        what = (
            f"no answer from {self._url} yet"
            if isinstance(failure, ServerUnreachable)
            else f"{self._url} answers: {failure}"
        )
        self._note(f"{what}, trying until {_moment_in(left_s)}")


def _moment_in(left_s: float) -> str:
    """Name the moment of giving up, in local time."""
    if math.isinf(left_s):
        return "you press Ctrl-C"
    until = datetime.now().astimezone() + timedelta(seconds=left_s)
    return f"{until:%H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Session:
    """What a command about messages works with.

    Attributes:
        client: Calls the API as the login's user.
        login: Who that is.
    """

    client: Client
    login: SavedLogin

    def conversation_with(self, username: str) -> str:
        """Return the conversation with a user; create it if new.

        Args:
            username: The other one's name.

        Returns:
            The conversation's id.

        Raises:
            CommandError: There is no such user, or it is the caller.
        """
        if username == self.login.username:
            raise CommandError(
                f"you are logged in as {username}; to write as somebody else use --as NAME"
            )
        try:
            return self.client.conversation_id(username)
        except RequestFailed as failure:
            if failure.code == "user_not_found":
                raise CommandError(f"there is no user {username} at {self.login.url}") from failure
            raise


def server_url(arguments: argparse.Namespace, console: Console) -> str:
    """Find the server's address.

    Args:
        arguments: May have `--url`.
        console: Its environment may have `ANGARIUM_URL`.

    Returns:
        The address.

    Raises:
        SettingsError: `ANGARIUM_URL` is no address.
    """
    given: str | None = arguments.url
    return given if given is not None else _configured_url(console)


def server_urls(arguments: argparse.Namespace, console: Console) -> Sequence[str]:
    """Find the addresses of several instances.

    Args:
        arguments: Has those that were named with `--url`.
        console: Its environment may have `ANGARIUM_URL`.

    Returns:
        One address or more, each once.

    Raises:
        SettingsError: `ANGARIUM_URL` is no address.
    """
    given: Sequence[str] = arguments.urls
    return tuple(dict.fromkeys(given)) or (_configured_url(console),)


def _configured_url(console: Console) -> str:
    """Read ANGARIUM_URL alone: other settings are not needed."""
    return Settings.from_env({"ANGARIUM_URL": console.environment.get("ANGARIUM_URL", "")}).url


def find_login(arguments: argparse.Namespace, console: Console) -> SavedLogin:
    """Find the kept login that a command uses.

    Args:
        arguments: May have `--url` and `--as`.
        console: Has the environment.

    Returns:
        The login.

    Raises:
        CommandError: There is none.
    """
    credentials = Credentials.of(console.environment)
    return credentials.find(server_url(arguments, console), arguments.login)


def keep_login(credentials: Credentials, url: str, username: str, token: TokenBody) -> SavedLogin:
    """Keep a token that a password was exchanged for.

    Args:
        credentials: Where logins are kept.
        url: The server.
        username: Whose password it was.
        token: The server's answer.

    Returns:
        The login.

    Raises:
        CommandError: It cannot be written.
    """
    now_ns = time.time_ns()
    expires_at = now_ns // 1_000_000_000 + token.expires_in
    login = SavedLogin(url, username, token.user_id, token.access_token, now_ns, expires_at)
    credentials.keep(login)
    return login


@contextmanager
def open_client(url: str, console: Console, slow_s: float | None = None) -> Iterator[Client]:
    """Prepare a client of a server, without a login.

    Args:
        url: The server's address.
        console: Where it is told that the server does not answer.
        slow_s: Seconds until a silent server is told; SLOW_S if None.

    Yields:
        The client, until the block ends.
    """
    note = RetryNote(url, console.note)
    with (
        Client(url, timeout_s=TIMEOUT_S, patience_s=PATIENCE_S, on_retry=note) as client,
        note.watch(client, slow_s),
    ):
        yield client


@contextmanager
def open_session(arguments: argparse.Namespace, console: Console) -> Iterator[Session]:
    """Prepare a client with a kept login.

    Args:
        arguments: May have `--url` and `--as`.
        console: Has the environment.

    Yields:
        The session, until the block ends.

    Raises:
        CommandError: The block met that the login is no longer good.
    """
    login = find_login(arguments, console)
    try:
        with open_client(login.url, console) as client:
            client.use_token(login.username, login.access_token)
            yield Session(client, login)
    except RequestFailed as failure:
        if failure.is_about_the_token:
            raise CommandError(explain(failure, login, console)) from failure
        raise


@contextmanager
def open_patient_client(login: SavedLogin, console: Console) -> Iterator[Client]:
    """Prepare a client that waits for the server for ever.

    Args:
        login: Whose token it sends.
        console: Where an outage is told.

    Yields:
        The client, until the block ends.
    """
    note = RetryNote(login.url, console.note)
    with Client(login.url, patience_s=math.inf, on_retry=note) as client:
        yield client.use_token(login.username, login.access_token)


def explain(failure: Exception, login: SavedLogin, console: Console) -> str:
    """Say why a request failed, and what to do about a refused login.

    Args:
        failure: Of any request that the login made.
        login: Whose token it had.
        console: Has the environment.

    Returns:
        A line for a person.
    """
    if not (isinstance(failure, RequestFailed) and failure.is_about_the_token):
        return str(failure)
    why = "has expired" if failure.code == "expired_token" else "is no longer accepted"
    command = login_command(login.url, login.username, console.environment)
    return f"the login of {login.username} at {login.url} {why}: log in again with {command}"
