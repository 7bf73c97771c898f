import logging
import re
from uuid import UUID

from angarium.logs.line import Line
from angarium.logs.text_format import TextFormatter


def shown(message: str = "hello", error: BaseException | None = None, **fields: object) -> str:
    return TextFormatter().format(
        Line("angarium.api", logging.INFO, "greeted", message, fields, error)
    )


def test_a_line_shows_time_level_action_message_and_fields() -> None:
    text = shown("hello there", user_id=UUID(int=1), status=202)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} INFO    greeted: hello there  user_id=0{8}-.*1 status=202", text
    )


def test_a_line_without_fields_ends_with_its_message() -> None:
    assert shown().endswith(" greeted: hello")


def test_a_value_with_a_space_is_quoted() -> None:
    assert shown(note="a b", empty="").endswith(" note='a b' empty=''")


def test_nothing_forges_a_line_or_moves_the_cursor() -> None:
    text = shown("one\nINFO two", name="\x1b[2J")
    assert text.isprintable()
    assert "one\\nINFO two" in text
    assert "name=\\x1b[2J" in text


def test_readable_scripts_stay_readable() -> None:
    assert "Grüße, 世界" in shown("Grüße, 世界")


def test_a_traceback_follows_its_line() -> None:
    try:
        raise LookupError("nothing there")
    except LookupError as error:
        first, *rest = shown(error=error).splitlines()
    assert first.endswith("error_type=LookupError")
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "LookupError: nothing there"
