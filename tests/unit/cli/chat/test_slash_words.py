"""A line that begins with a slash is a word to the chat."""

from tests.unit.cli.chat.talking import Talking, typing


def test_words_with_a_slash_are_not_sent_and_two_slashes_send_one() -> None:
    talking, shown = typing()
    assert talking.chat.type("/help", 5)
    assert shown[0].startswith("notice Enter sends.")
    shown.clear()
    for word in ("/usr/bin is full", "/", "/helpme"):
        assert not talking.chat.type(word, len(word))
    assert (
        shown[0] == "notice not sent: /usr/bin is no command, see /help; to send it, begin with //"
    )
    assert talking.outbox.lines() == ()
    assert talking.chat.type("//usr/bin is full", 17)
    assert talking.chat.type("1/2", 3)
    assert [line.content for line in talking.outbox.lines()] == ["/usr/bin is full", "1/2"]
    assert talking.chat.type("/quit", 5)
    assert talking.chat.has_ended


def test_in_a_pipe_a_slash_is_a_slash(talking: Talking) -> None:
    assert talking.type("//help").content == "//help"
    assert talking.type("/help").content == "/help"
