"""A client command's server, login and client."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from angarium.cli.console import Console
from angarium.cli.credentials import Credentials, Login
from angarium.cli.errors import CommandError
from angarium.client.api_client import PATIENCE_S, ApiClient, Caller
from angarium.client.errors import ApiProblem
from angarium.config import Settings


@dataclass(frozen=True, slots=True)
class Session:
    """What a command about messages works with.

    Attributes:
        client: Calls the API as the login's user.
        login: Who that is.
        credentials: Where logins and names are kept.
    """

    client: ApiClient
    login: Login
    credentials: Credentials

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
            user_id = self.client.user_id(username)
        except ApiProblem as problem:
            if problem.code == "user_not_found":
                raise CommandError(f"there is no user {username} at {self.login.url}") from problem
            raise
        self.credentials.meet(username)
        return self.client.open_conversation(user_id)


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


@contextmanager
def open_session(
    arguments: argparse.Namespace, console: Console, patience_s: float = PATIENCE_S
) -> Iterator[Session]:
    """Prepare a client with a kept login.

    Args:
        arguments: May have `--url` and `--as`.
        console: Has the environment.
        patience_s: Seconds over which a request is repeated.

    Yields:
        The session, until the block ends.
    """
    credentials = Credentials.of(console.environment)
    login = credentials.find(server_url(arguments, console), arguments.login)
    client = ApiClient.at(login.url, Caller(login.username, login.access_token), patience_s)
    try:
        yield Session(client, login, credentials)
    finally:
        client.close()
