"""A chat on a terminal that tests can read."""

import json
from datetime import UTC
from typing import TextIO, cast

from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.events import OwnLine
from angarium.cli.chat.terminal import TerminalScreen
from angarium.client import bodies
from angarium.client.bodies import MessageBody
from tests.unit.cli.chat.emulator import Emulator
from tests.unit.cli.fake_service import START, FakeService, id_of

NAMES = {id_of("alice"): "alice", id_of("bob"): "bob"}


class Terminal:
    def __init__(self, columns: int = 40, lines: int = 10, colours: bool = False) -> None:
        self.emulator = Emulator(columns, lines)
        self.editor = LineEditor()
        self.service = FakeService()
        self.now = START
        self.screen = TerminalScreen(
            cast("TextIO", self.emulator),
            self.emulator.size,
            self.editor,
            NAMES,
            id_of("alice"),
            colours,
            lambda: self.now,
            UTC,
        )
        self.screen.notice("talking with bob")

    def hear(self, content: str, sender: str = "bob", recipient: str = "alice") -> MessageBody:
        self.service.say(sender, recipient, content)
        message = self.last()
        self.screen.show_stored([message])
        return message

    def last(self) -> MessageBody:
        return bodies.message(json.loads(json.dumps(self.service.messages[-1].body())))

    def type(self, text: str) -> None:
        for character in text:
            self.editor.insert(character)
        self.screen.draw_input()

    def enter(self) -> OwnLine:
        line = OwnLine.of(self.editor.take())
        self.screen.show_typed(line)
        return line

    def store(self, line: OwnLine, status: str = "SENT") -> MessageBody:
        self.service.say("alice", "bob", line.content, line.message_id)
        self.service.messages[-1].status = status
        message = self.last()
        self.screen.show_stored([message])
        return message

    def rise(self, message: MessageBody, status: str) -> None:
        stored = next(m for m in self.service.messages if m.message_id == message.message_id)
        stored.status = status
        self.screen.show_statuses([bodies.message(json.loads(json.dumps(stored.body())))])

    def rows(self) -> list[str]:
        return self.emulator.everything()


def own(text: str, state: str, columns: int = 40) -> str:
    return f"12:00 alice: {text}".ljust(columns - len(state) - 1) + state
