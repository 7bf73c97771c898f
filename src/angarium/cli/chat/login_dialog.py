"""Asks for the password in the middle of a chat."""

from collections.abc import Callable
from typing import Protocol

from angarium.client import RequestFailed


class Prompt(Protocol):
    """The part of a screen that a question needs."""

    def notice(self, text: str) -> None:
        """Show a notice that is not a message.

        Args:
            text: Anything; control characters are escaped.
        """
        ...

    def hold_input(self, text: str) -> None:
        """Show a text in place of the input, where there is one.

        Args:
            text: What is waited for, or asked.
        """
        ...

    def resume_input(self) -> None:
        """Show the input again."""
        ...


class LoginDialog:
    """Logs in again without leaving the chat.

    Used by the main thread only.

    Attributes:
        is_open: The login is not good; nothing else is typed meanwhile.
        asks: A password may be typed now.
        refusal: Why the dialog is open.
    """

    def __init__(self, screen: Prompt, username: str, offer: Callable[[str], None]) -> None:
        """Begin with a login that is taken to be good.

        Args:
            screen: Shows the question.
            username: Whose password is asked for.
            offer: Has somebody log in with a password.
        """
        self._screen = screen
        self._username = username
        self._offer = offer
        self.is_open = False
        self.asks = False
        self.refusal: RequestFailed | None = None

    def open(self, refusal: RequestFailed) -> None:
        """Ask for the password.

        Args:
            refusal: Of the token that was used until now.
        """
        self.refusal = refusal
        self.is_open = True
        why = "has expired" if refusal.code == "expired_token" else "is no longer accepted"
        self._ask(f"the login of {self._username} {why}; Ctrl-D leaves")

    def ask_again(self, reason: str) -> None:
        """Ask once more.

        Args:
            reason: Why the password was of no use.
        """
        self._ask(reason)

    def answer(self, password: str) -> None:
        """Log in with a password; an empty one is no answer.

        Args:
            password: What was typed.
        """
        if password:
            self.asks = False
            self._screen.hold_input("logging in…")
            self._offer(password)

    def close(self) -> None:
        """Note that the login is good again."""
        self.is_open = self.asks = False
        self._screen.notice(f"{self._username} is logged in again")

    def _ask(self, notice: str) -> None:
        """Show why, and the question."""
        self.asks = True
        self._screen.notice(notice)
        self._screen.hold_input(f"password of {self._username}: ")
