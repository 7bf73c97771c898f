"""What a service says on stdout once it is up."""

import os

from angarium.cli.greeting import greet


def test_a_greeting_is_told_at_once() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as there, os.fdopen(writing, "w") as out:
        greet(out, "working\n")
        assert there.readline() == "working\n"


def test_an_unwritable_greeting_fails_neither_now_nor_when_the_stream_is_closed() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        greet(out, "working\n")
        out.write("more\n")
