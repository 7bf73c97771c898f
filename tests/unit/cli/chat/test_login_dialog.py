"""A login that expires is renewed in place."""

from angarium.cli.chat.events import (
    LoggedIn,
    LoginNeeded,
    PasswordRefused,
)
from angarium.client.errors import ApiProblem
from tests.unit.cli.chat.talking import Talking, typing

EXPIRED = ApiProblem(401, "expired_token", "Expired")


def test_an_expired_login_asks_for_the_password_until_it_is_right() -> None:
    talking, shown = typing()
    talking.type("one")
    talking.chat.handle(LoginNeeded(EXPIRED))
    assert shown[1:] == [
        "notice the login of alice has expired; Ctrl-D leaves",
        "held password of alice: ",
    ]
    assert talking.chat.reads_input
    dialog = talking.chat.login_dialog
    assert dialog is not None
    dialog.answer("")
    dialog.answer("wrong")
    assert not talking.chat.reads_input
    talking.chat.handle(PasswordRefused("wrong password"))
    dialog.answer("right")
    talking.chat.handle(LoggedIn())
    assert shown[3:] == [
        "held logging in…",
        "notice wrong password",
        "held password of alice: ",
        "held logging in…",
        "notice alice is logged in again",
        "resumed",
    ]
    assert talking.offered == ["wrong", "right"]
    assert talking.chat.login_dialog is None
    assert len(talking.outbox.lines()) == 1


def test_without_the_password_the_chat_ends_with_what_was_wrong() -> None:
    talking, _ = typing()
    talking.chat.handle(LoginNeeded(EXPIRED))
    talking.chat.give_up_login()
    assert talking.chat.failure is EXPIRED
    assert talking.chat.is_over()


def test_in_a_pipe_an_expired_login_ends_the_chat(talking: Talking) -> None:
    talking.chat.handle(LoginNeeded(EXPIRED))
    assert talking.chat.failure is EXPIRED
