"""Connects a chat with its conversation, and logs in again."""

import threading
from collections.abc import Callable

from angarium.cli.chat.connection_status import IDLE_WAIT_S, LoginStatus
from angarium.cli.chat.events import Connected, LoggedIn, PasswordRefused, Post
from angarium.cli.session import Session
from angarium.client import RequestFailed
from angarium.client.bodies import TokenBody


class Connector:
    """Finds the conversation, and exchanges passwords for tokens.

    `step` is called by one thread, `offer` by any.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        status: LoginStatus,
        use_token: Callable[[TokenBody], None],
        post: Post,
    ) -> None:
        """Begin unconnected.

        Args:
            session: Makes the requests, each for some seconds.
            name: The other participant.
            status: Knows whether the login is still good.
            use_token: Keeps a new token, and has it used.
            post: Hands events to the main thread.
        """
        self._session = session
        self._name = name
        self._status = status
        self._use_token = use_token
        self._post = post
        self._passwords: list[str] = []
        self._lock = threading.Lock()
        self._is_connected = False

    def offer(self, password: str) -> None:
        """Have the next step log in.

        Args:
            password: What was typed.
        """
        with self._lock:
            self._passwords = [password]

    def step(self) -> float:
        """Log in if there is a password, then connect if that is due.

        Returns:
            Seconds until the next step.

        Raises:
            CommandError: There is nobody of that name.
            RequestFailed: The server does not answer, or refuses.
        """
        with self._lock:
            passwords, self._passwords = self._passwords, []
        for password in passwords:
            self._log_in(password)
        if not self._is_connected and not self._status.is_needed:
            self._connect()
        return IDLE_WAIT_S

    def _log_in(self, password: str) -> None:
        """Exchange a password for a token."""
        login = self._session.login
        try:
            token = self._session.client.api.log_in(login.username, password)
        except RequestFailed as failure:
            wrong = failure.code == "invalid_credentials"
            self._post(PasswordRefused("wrong password" if wrong else str(failure)))
            return
        self._use_token(token)
        self._status.renew()
        self._post(LoggedIn())

    def _connect(self) -> None:
        """Find the conversation and the other participant."""
        number = self._status.number
        try:
            conversation_id = self._session.conversation_with(self._name)
            other_id = self._session.client.user_id(self._name)
        except RequestFailed as failure:
            if not failure.is_about_the_token:
                raise
            self._status.refuse(number, failure)
            return
        self._is_connected = True
        self._post(Connected(conversation_id, other_id))
