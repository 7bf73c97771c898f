"""A chat session with a fake service, without threads."""

import io
import json
from collections.abc import Sequence

from angarium.cli.chat.chat_session import ChatSession, Screen
from angarium.cli.chat.connection_status import ConnectionStatus, LoginStatus
from angarium.cli.chat.events import (
    Connected,
    Event,
    LineAccepted,
    OwnLine,
)
from angarium.cli.chat.feed import Feed
from angarium.cli.chat.login_dialog import LoginDialog
from angarium.cli.chat.plain import JsonScreen, PlainScreen
from angarium.cli.chat.sender import Outbox
from angarium.cli.console import Console
from angarium.client import bodies
from angarium.client.bodies import MessageBody
from tests.fakes.clock import ManualClock
from tests.unit.cli.fake_service import FakeClient, FakeService, conversation_of, id_of

NAMES = {id_of("alice"): "alice", id_of("bob"): "bob"}


class Shown:
    """Notes what it is to show."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def show_typed(self, line: OwnLine) -> None:
        self.shown.append(f"typed {line.content}")

    def mark_accepted(self, line: OwnLine) -> None:
        self.shown.append(f"accepted {line.content}")

    def mark_rejected(self, line: OwnLine) -> None:
        self.shown.append(f"rejected {line.content}")

    def show_stored(self, messages: Sequence[MessageBody]) -> None:
        self.shown += [f"stored {message.content}" for message in messages]

    def show_statuses(self, messages: Sequence[MessageBody]) -> None:
        self.shown += [f"risen {message.content}" for message in messages]

    def notice(self, text: str) -> None:
        self.shown.append(f"notice {text}")

    def hold_input(self, text: str) -> None:
        self.shown.append(f"held {text}")

    def resume_input(self) -> None:
        self.shown.append("resumed")


class Talking:
    def __init__(
        self,
        as_json: bool = False,
        grace_s: float = 2.0,
        screen: Screen | None = None,
        person: bool = False,
    ) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        console = Console(io.StringIO(), self.out, self.err, {})
        self.service = FakeService()
        self.clock = ManualClock()
        self.outbox = Outbox(most=3)
        events: list[Event] = []
        conversation = conversation_of("alice", "bob")
        client = FakeClient(self.service, "alice", "bob")
        self.feed = Feed(
            client,
            id_of("alice"),
            ConnectionStatus(events.append, "http://x"),
            LoginStatus(events.append),
            events.append,
        )
        self.feed.enter(conversation)
        screen = screen or (JsonScreen if as_json else PlainScreen)(console, NAMES, id_of("alice"))
        self.offered: list[str] = []
        dialog = LoginDialog(screen, "alice", self.offered.append) if person else None
        self.chat = ChatSession(
            screen, self.outbox, self.feed, id_of("alice"), self.clock, grace_s, dialog, person
        )
        self.chat.handle(Connected(conversation, id_of("bob")))

    def type(self, text: str) -> OwnLine:
        self.chat.type(text, len(text.encode("utf-8", "surrogatepass")))
        return self.outbox.lines()[-1]

    def accept(self) -> None:
        line = self.outbox.lines()[0]
        self.outbox.take_first()
        self.chat.handle(LineAccepted(line))

    def stored(self, sender: str, content: str, message_id: str = "") -> MessageBody:
        self.service.say(sender, "bob" if sender == "alice" else "alice", content, message_id)
        return bodies.message(json.loads(json.dumps(self.service.messages[-1].body())))


def typing() -> tuple[Talking, list[str]]:
    screen = Shown()
    talking = Talking(screen=screen, person=True)
    screen.shown.clear()
    return talking, screen.shown
