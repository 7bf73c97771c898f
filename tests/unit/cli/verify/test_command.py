import pytest

from tests.unit.cli.conftest import Shell


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--as", "alice"), "--as and --with go together"),
        (("--with", "alice"), "--as and --with go together"),
        (("--as", "alice", "--with", "alice"), "somebody else"),
        (("--conversations", "7"), "people for 6 conversations, not 7"),
        (("--as", "alice", "--with", "bob", "--conversations", "2"), "people for 1 conversations, not 2"),
        (("--check",), "--ledger"),
        (("--check", "--ledger", "/nowhere/at/all"), "--ledger"),
        (("--url", "nonsense"), "nonsense"),
    ],
)
def test_a_command_line_that_says_nothing_that_can_be_done_is_one_line(
    argv: tuple[str, ...], words: str, shell: Shell
) -> None:
    assert shell.run("verify", *argv) == 2
    assert words in shell.err
    assert shell.err.count("\n") == 1


def test_a_server_that_is_not_there_is_told(shell: Shell) -> None:
    assert shell.run("verify", "--url", "http://127.0.0.1:1", "--patience", "0") == 1
    assert "cannot reach http://127.0.0.1:1" in shell.err
