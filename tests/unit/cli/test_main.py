"""How every command begins and ends."""

import io
import json
import platform
import re
from contextlib import AbstractContextManager
from functools import partial

import pytest

import angarium
from angarium import wiring
from angarium.cli import init
from angarium.cli import main as main_module
from angarium.cli.console import Console
from angarium.cli.main import main
from angarium.cli.step_notes import StepNotes
from angarium.config import Settings
from angarium.domain.errors import WrongTopic
from angarium.wiring.administration import UserAdmin
from tests.engines.ports import free_port
from tests.unit.cli.conftest import Shell, TerminalOutput
from tests.unit.cli.fake_server import FakeServer

ALL = [
    name
    for name, child in main_module._parser().commands.items()
    for name in (name, *(f"{name} {sub}" for sub in child.commands))
]


@pytest.mark.parametrize("command", ALL)
@pytest.mark.parametrize("way", ["{} -h", "{} --help", "-h {}", "help {}"])
def test_every_command_explains_itself_with_an_example(
    command: str, way: str, shell: Shell
) -> None:
    assert shell.run(*way.format(command).split()) == 0
    assert shell.out.startswith(f"usage: angarium {command}")
    assert "example:\n  " in shell.out
    assert f"angarium {command}" in shell.out.split("example:")[1]
    assert shell.err == ""


@pytest.mark.parametrize("argv", [(), ("help",), ("-h",), ("--help",)])
def test_help_lists_every_command_in_the_order_in_which_people_need_them(
    argv: tuple[str, ...], shell: Shell
) -> None:
    assert shell.run(*argv) == 0
    listed = re.findall(r"^    ([a-z]+) +\S", shell.out, re.MULTILINE)
    parser = main_module._parser()
    assert sorted(listed) == sorted(parser.commands)
    wanted = ["serve", "login", "send", "history", "inbox", "chat", "dead", "worker", "version"]
    assert [name for name in listed if name in wanted] == wanted
    assert "-V, --version" in shell.out
    assert shell.err == ""


ORDERS = [
    ("--url {} --as alice send bob hello there", "hello there"),
    ("--url={} send --as alice bob hello --json there", "hello there"),
    ("send bob hello there --as=alice --url {}", "hello there"),
    ("--as alice send bob --url {} -- --json is --url", "--json is --url"),
    ("send bob -5 --url {} is -0.5", "-5 is -0.5"),
]


@pytest.mark.parametrize(("line", "text"), ORDERS)
def test_options_may_stand_anywhere(
    line: str, text: str, alice: Shell, server: FakeServer
) -> None:
    del alice.environment["ANGARIUM_URL"]
    assert alice.run(*line.format(server.url).split()) == 0, alice.err
    assert [said.content for said in server.service.messages] == [text]


def test_options_before_a_command_of_two_words_are_its_own(shell: Shell) -> None:
    assert shell.run("--json", "users", "hash", stdin="a password\n") == 0
    assert list(json.loads(shell.out)) == ["password_hash"]
    assert shell.run("users", "--json", "hash", stdin="a password\n") == 0
    assert list(json.loads(shell.out)) == ["password_hash"]


def test_no_option_takes_a_value_in_one_command_and_none_in_another() -> None:
    kinds: dict[str, set[bool]] = {}
    parsers = [main_module._parser()]
    while parsers:
        parser = parsers.pop()
        parsers += parser.commands.values()
        for name, action in parser.options.items():
            kinds.setdefault(name, set()).add(action.nargs == 0)
    assert [name for name, kind in kinds.items() if len(kind) > 1] == []


USAGE: list[tuple[list[str], str]] = [
    (["--json"], "angarium: the command is missing; see `angarium -h`"),
    (["sned"], "angarium: 'sned' is not a command; did you mean `send`?"),
    (["--ulr", "http://x", "send", "bob"], "angarium: '--ulr' is not an option; did you mean"),
    (["--xyzzy"], "angarium: '--xyzzy' is not an option; see `angarium -h`"),
    (["xyzzy"], "angarium: 'xyzzy' is not a command; see `angarium help`"),
    (["help", "hisotry"], "angarium: 'hisotry' is not a command; did you mean `history`?"),
    (
        ["send"],
        "angarium: send: the following arguments are required: NAME, TEXT; see `angarium send -h`",
    ),
    (["send", "bob", "-v"], "send: '-v' is not an option; write `--` before words that begin"),
    (["history", "bob", "--url"], "argument --url: expected one argument; see `angarium hist"),
    (["completion", "tcsh"], "argument SHELL: invalid choice: 'tcsh' (choose from "),
    (["history", "bob", "--since", "soon"], "argument --since: 'soon' is not a time; write one"),
    (["history", "bob", "--since", "25:00"], "argument --since: '25:00' is not a time; write"),
    (["history", "bob", "--since", "2026-02-30"], "argument --since: '2026-02-30' is not a tim"),
    (["history", "bob", "--since", "999999999w"], "argument --since: '999999999w' is not a tim"),
    (
        ["send", "Bob", "hi"],
        "argument NAME: 'Bob' is not a valid username: use 1 to 64 characters from a-z 0-9 . _ -",
    ),
    (
        ["history", "bob", "--limit", "0"],
        "argument --limit: '0' is not a whole number from 1 to 10,000,000",
    ),
    (
        ["history", "bob", "--limit", "0000000011999999"],
        "is not a whole number from 1 to 10,000,000",
    ),
    (
        ["history", "bob", "--limit", "10000001"],
        "argument --limit: '10000001' is not a whole number",
    ),
    (["history", "bob", "--limit", "x"], "argument --limit: 'x' is not a whole number"),
    (
        ["history", "bob", "--all", "--limit", "3"],
        "argument --limit: not allowed with argument --all",
    ),
    (
        ["history", "bob", "--url", "nowhere"],
        "argument --url: 'nowhere' is not the address of a server; write one such",
    ),
    (["history", "bob", "--lim", "3"], "history: '--lim' is not an option; did you mean `--limi"),
    (
        ["init", "--timeout", "soon"],
        "argument --timeout: 'soon' is not a number of seconds from 0 to 86,400",
    ),
    (
        ["init", "--timeout", "nan"],
        "argument --timeout: 'nan' is not a number of seconds from 0 to 86,400",
    ),
    (["users", "remove"], "angarium: users: 'remove' is not a command; use one of add, "),
]


@pytest.mark.parametrize(("argv", "line"), USAGE)
def test_a_wrong_command_line_is_one_line_and_status_2(
    argv: list[str], line: str, shell: Shell
) -> None:
    assert shell.run(*argv) == 2
    assert line in shell.err
    assert shell.err.startswith("angarium: ")
    assert shell.err.count("\n") == 1
    assert shell.out == ""


def test_wrong_settings_are_all_told_and_status_2(shell: Shell) -> None:
    shell.environment |= {"ANGARIUM_PORT": "x", "ANGARIUM_PARTITIONS": "0"}
    for command in ("serve", "init", "users", "config"):
        assert shell.run(command) == 2
        lines = shell.err.splitlines()
        assert [line.split()[1] for line in lines] == ["ANGARIUM_PORT", "ANGARIUM_PARTITIONS"]
        assert all(line.startswith("angarium: ") for line in lines)


def test_settings_that_do_not_fit_serve_stop_it_before_it_starts(shell: Shell) -> None:
    shell.environment["ANGARIUM_HOST"] = "0.0.0.0"
    assert shell.run("serve") == 2
    assert "ANGARIUM_HOST is '0.0.0.0', which other machines may reach" in shell.err


def test_settings_that_do_not_fit_init_stop_it_before_it_starts(shell: Shell) -> None:
    shell.environment["ANGARIUM_HOST"] = "0.0.0.0"
    assert shell.run("init") == 2
    assert "ANGARIUM_HOST is '0.0.0.0', which other machines may reach" in shell.err


def test_init_tells_what_cannot_be_promised(shell: Shell) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    shell.environment |= {
        "ANGARIUM_KAFKA": nowhere,
        "ANGARIUM_CASSANDRA": nowhere,
        "ANGARIUM_JWT_SECRET": "a secret of 32 bytes or even more",
        "ANGARIUM_CONSISTENCY": "LOCAL_ONE",
    }
    assert shell.run("init", "--timeout", "0") == 2
    warning, *_, failure = shell.err.splitlines()
    assert warning.startswith(
        "angarium: ANGARIUM_CONSISTENCY is LOCAL_ONE, but ANGARIUM_REPLICATION is 2: "
    )
    assert "could not be prepared" in failure


def test_init_says_what_it_is_at_when_that_takes_long(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "StepNotes", partial(StepNotes, slow_s=0.01))
    shell.stderr = TerminalOutput
    nowhere = f"127.0.0.1:{free_port()}"
    shell.environment |= {
        "ANGARIUM_KAFKA": nowhere,
        "ANGARIUM_CASSANDRA": nowhere,
        "ANGARIUM_JWT_SECRET": "a secret of 32 bytes or even more",
    }
    assert shell.run("init", "--timeout", "1") == 2
    *told, failure = shell.err.splitlines()
    assert f"making topic messages in Kafka at {nowhere} …" in told
    assert "could not be prepared" in failure
    assert shell.out == ""


def test_init_gives_the_users_what_is_left_of_its_time(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []
    opened = wiring.open_identity

    def noted(settings: Settings, timeout: float) -> AbstractContextManager[UserAdmin]:
        left.append(timeout)
        return opened(settings, timeout)

    monkeypatch.setattr(wiring, "open_identity", noted)
    assert shell.run("init", "--timeout", "2000") == 0
    assert shell.run("init", "--timeout", "0") == 0
    assert 0 < left[0] <= 2000
    assert left[1:] == [0.0]


def test_a_wrong_address_of_the_server_is_a_wrong_setting(shell: Shell) -> None:
    shell.environment["ANGARIUM_URL"] = "nowhere"
    assert shell.run("inbox") == 2
    assert shell.err.startswith(
        "angarium: ANGARIUM_URL is 'nowhere', which is not the address of a server"
    )


def test_a_misspelt_setting_is_told_and_does_not_stop_anything(shell: Shell) -> None:
    shell.environment["ANGARIUM_PROT"] = "9000"
    assert shell.run("version") == 0
    assert (
        shell.err
        == "angarium: ANGARIUM_PROT is not a setting and is ignored; did you mean ANGARIUM_PORT?\n"
    )


@pytest.mark.parametrize("argv", [("version",), ("--version",), ("-V",)])
def test_version(argv: tuple[str, ...], shell: Shell) -> None:
    assert shell.run(*argv) == 0
    assert shell.out == f"angarium {angarium.__version__} (Python {platform.python_version()})\n"
    assert shell.run(*argv, "--json") == 0
    assert json.loads(shell.out) == {
        "version": angarium.__version__,
        "python": platform.python_version(),
    }


def test_config_shows_values_and_where_they_come_from(shell: Shell) -> None:
    shell.environment |= {"ANGARIUM_PORT": "9000", "ANGARIUM_JWT_SECRET": "hush" * 8}
    assert shell.run("config") == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in shell.out.splitlines()}
    assert lines["ANGARIUM_PORT"] == "9000  (environment)"
    assert lines["ANGARIUM_HOST"] == "127.0.0.1  (default)"
    assert lines["ANGARIUM_KAFKA"] == "-  (default)"
    assert lines["ANGARIUM_JWT_SECRET"] == "********  (environment)"
    assert "hush" not in shell.out


def test_config_as_json(shell: Shell) -> None:
    shell.environment["ANGARIUM_PORT"] = "9000"
    assert shell.run("config", "--json") == 0
    rows = json.loads(shell.out)["settings"]
    assert {"name": "ANGARIUM_PORT", "value": "9000", "source": "environment"} in rows
    assert {"name": "ANGARIUM_KAFKA", "value": None, "source": "default"} in rows


class Unwilling(io.StringIO):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


ENDINGS: list[tuple[BaseException, int, str]] = [
    (KeyboardInterrupt(), 130, ""),
    (OSError(28, "No space left on device"), 1, "angarium: No space left on device\n"),
    (PermissionError(13, "Permission denied", "/x"), 1, "angarium: /x: Permission denied\n"),
]


@pytest.mark.parametrize(("error", "status", "line"), ENDINGS)
def test_whatever_happens_there_is_no_traceback(
    error: BaseException, status: int, line: str
) -> None:
    console = Console(io.StringIO(), Unwilling(error), io.StringIO(), {})
    assert main(["version"], console) == status
    assert isinstance(console.stderr, io.StringIO)
    assert console.stderr.getvalue() == line


def test_a_fault_of_the_program_is_one_line_with_its_place() -> None:
    console = Console(io.StringIO(), Unwilling(ZeroDivisionError("by zero")), io.StringIO(), {})
    assert main(["version"], console) == 1
    assert isinstance(console.stderr, io.StringIO)
    told = console.stderr.getvalue()
    assert told.startswith("angarium: a bug in this program: ZeroDivisionError: by zero at ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "audit"])
def test_a_topic_that_the_settings_do_not_describe_is_status_2(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def refuse(_settings: Settings) -> None:
        raise WrongTopic("topic messages has 12 partitions, not 4")

    monkeypatch.setattr(wiring, "open_inspection", refuse)
    shell.environment |= {"ANGARIUM_KAFKA": "nowhere:1", "ANGARIUM_CASSANDRA": "nowhere:1"}
    shell.environment |= {"ANGARIUM_JWT_SECRET": "0123456789abcdef" * 2}
    assert shell.run(command) == 2
    assert shell.err == "angarium: topic messages has 12 partitions, not 4\n"
