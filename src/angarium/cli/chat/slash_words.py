"""Lines that begin with a slash: words to the chat itself."""

HELP = (
    "Enter sends. Alt-Enter begins a new line; a paste of several lines is one message.",
    "Up and Down go through your own messages. Ctrl-L draws the screen anew.",
    "Ctrl-D or /quit ends the chat once every line was accepted, Ctrl-C at once.",
    "A message that begins with a slash is typed with two: //help sends /help.",
)
HELP_WORD = "/help"
QUIT_WORD = "/quit"


def text_to_send(line: str) -> str | None:
    """Find the message in a line.

    Args:
        line: As it was typed.

    Returns:
        The text; None for a word to the chat itself.
    """
    if line.startswith("//"):
        return line[1:]
    return None if line.startswith("/") else line


def word_of(line: str) -> str:
    """Return the word to the chat.

    Args:
        line: One that `text_to_send` finds no message in.

    Returns:
        The line without what is around it.
    """
    return line.strip()
