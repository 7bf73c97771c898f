"""`docs/cli.md` says what the program does: commands, options,
settings, exit statuses and log actions.
"""

import argparse
import re
from collections.abc import Iterator, Mapping

import pytest

from angarium.cli import errors, init, main, send_trace
from angarium.cli.arguments import DEFAULT_LIMIT, MAX_COUNT
from angarium.cli.process import GRACE_S
from angarium.cli.session import PATIENCE_S
from angarium.cli.verify import command as verify
from angarium.config import Settings, SettingsError
from angarium.config.reader import MASK
from angarium.config.users import MAX_BYTES
from angarium.domain import password
from tests.unit import test_log_actions as log_actions

ROOT = log_actions.ROOT
PAGE = (ROOT / "docs" / "cli.md").read_text()

DEFAULTS = {
    "`--limit`": DEFAULT_LIMIT,
    "`--timeout`": init.DEFAULT_TIMEOUT_S,
    "`--conversations`": verify.DEFAULT_CONVERSATIONS,
    "`--messages`": verify.DEFAULT_MESSAGES,
    "`--rate`": verify.DEFAULT_RATE,
    "`--patience`": verify.DEFAULT_PATIENCE_S,
}

NEEDS_SUB_COMMAND = {"dead"}
"""Commands that do nothing by themselves."""

SECRETS = {"ANGARIUM_JWT_SECRET", "ANGARIUM_KAFKA_SASL_PASSWORD", "ANGARIUM_CASSANDRA_PASSWORD"}

FIELDS_OF_EVERY_LINE = {
    "time",
    "level",
    "service",
    "instance",
    "action",
    "message",
    "traceback",
    "repeats",
}

OUTSIDE_ANY_CALL = {
    "request": {"method", "path", "status"},
    "library": {"logger", "said"},
    "log_lines_lost": {"lines"},
}
"""Fields of actions whose fields are not written where the action
is.
"""


def section(title: str) -> str:
    """Return the text under a heading of the second level."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def on_one_line(text: str) -> str:
    """Return a text without its line ends."""
    return " ".join(text.split())


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each table row except rules."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]


def words(cell: str) -> list[str]:
    """Return what stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def parsers(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command that can be run with its parser."""
    subs = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if name and name not in NEEDS_SUB_COMMAND:
        yield name, parser
    for sub in subs:
        for word, child in sub.choices.items():
            yield from parsers(child, f"{name} {word}".strip())


def arguments(parser: argparse.ArgumentParser) -> list[str]:
    """Return the arguments and options of one command, as the page
    writes them.
    """
    plain = [each for each in parser._actions if not isinstance(each, argparse._SubParsersAction)]
    named = [
        each.option_strings[-1] if each.option_strings else str(each.metavar) for each in plain
    ]
    return sorted(name for name in named if name != "--help")


def wrong(name: str, value: str) -> str:
    """Return what is said about one setting with a wrong value."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({name: value})
    return next(problem for problem in raised.value.problems if problem.startswith(f"{name} is"))


def numbers(text: str) -> list[float]:
    return [float(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def setting_rows() -> Mapping[str, str]:
    found = [row for row in rows(section("Settings")) if row[0].startswith("`ANGARIUM_")]
    return {words(row[0])[0]: row[1] for row in found}


def test_every_command_has_a_row_with_exactly_its_arguments_and_options() -> None:
    listed = {
        words(row[0])[0]: sorted(words(row[1]))
        for row in rows(section("Commands"))
        if len(row) == 3 and row[0].startswith("`") and not row[0].startswith("`-")
    }
    assert listed == {name: arguments(parser) for name, parser in parsers(main._parser())}


def test_every_option_is_explained_with_its_default() -> None:
    explained = {
        words(row[0])[-1]: row[1] for row in rows(section("Commands")) if row[0].startswith("`-")
    }
    used = {option for _, parser in parsers(main._parser()) for option in arguments(parser)}
    assert set(explained) - {"--help"} == {option for option in used if option.startswith("--")}
    for option, default in DEFAULTS.items():
        assert numbers(explained[option.strip("`")]) == [default], option


def test_figures_in_the_text_are_the_codes() -> None:
    assert f"1 to {MAX_COUNT:,}" in on_one_line(section("Commands"))
    assert f"({send_trace.DEFAULT_TIMEOUT_S:g} by default)" in on_one_line(section("Commands"))
    trace = on_one_line(section("Trace"))
    assert f"waits {send_trace.DELIVERY_TIMEOUT_S:g} seconds more" in trace
    assert f"for {PATIENCE_S:g} seconds" in on_one_line(section("Commands"))
    assert f"{password.MIN_BYTES} to {password.MAX_BYTES:,} bytes" in on_one_line(section("Input"))
    assert f"{MAX_BYTES:,} bytes" in on_one_line(section("Input"))
    assert f"({GRACE_S:g} seconds at most)" in on_one_line(section("Stopping"))


def test_every_exit_status_is_explained() -> None:
    stated = {row[0] for row in rows(section("Exit status"))}
    statuses = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert stated == {"status", "0", "128 + signal", *map(str, statuses)}


def test_every_setting_has_a_row_with_what_it_accepts() -> None:
    accepted = setting_rows()
    assert sorted(accepted) == sorted(shown.name for shown in Settings.from_env({}).shown)
    for name, text in accepted.items():
        assert ("secret" in text.split("; ")) == (name in SECRETS), name


def test_every_range_and_every_choice_of_a_setting_is_the_codes() -> None:
    compared = 0
    for name, text in setting_rows().items():
        if name in SECRETS or name == "ANGARIUM_DATA" or "any text" in text:
            continue
        said = wrong(name, "\u00e9 ?")
        if found := re.search(r"write (?:a whole number|seconds) from ([\d.]+) to ([\d.]+)", said):
            assert numbers(text.split(";")[0]) == [float(each) for each in found.groups()], name
            compared += 1
        elif found := re.search(r"write one of (.+)", said):
            assert words(text) == found[1].split(", "), name
            compared += 1
        elif found := re.search(r"write (\d+) to (\d+)", said):
            assert numbers(text)[:2] == [float(each) for each in found.groups()], name
            compared += 1
    assert compared >= 19


def test_secrets_are_masked_and_no_other_setting_is() -> None:
    values = dict.fromkeys(SECRETS, "a secret of at least 32 bytes, not repeated")
    kafka = {
        "ANGARIUM_KAFKA": "kafka:9092",
        "ANGARIUM_CASSANDRA": "cassandra:9042",
        "ANGARIUM_KAFKA_SECURITY": "SASL_SSL",
        "ANGARIUM_KAFKA_SASL_MECHANISM": "PLAIN",
        "ANGARIUM_KAFKA_SASL_USERNAME": "angarium",
        "ANGARIUM_CASSANDRA_USERNAME": "angarium",
    }
    shown = Settings.from_env({**values, **kafka}).shown
    assert {each.name for each in shown if each.value == MASK} == SECRETS


def log_fields() -> Mapping[str, set[str]]:
    """Return the fields that the code writes beside each action."""
    found = {action: set(fields) for action, fields in OUTSIDE_ANY_CALL.items()}
    for file in (ROOT / "src").rglob("*.py"):
        for call in log_actions.log_calls(file):
            _, action_at = log_actions.WRITES[call.func.attr]  # type: ignore[attr-defined]
            named = {keyword.arg for keyword in call.keywords if keyword.arg is not None} - {
                "error"
            }
            for action in log_actions.actions(call.args[action_at], file):
                found.setdefault(action, set()).update(named)
    return found


def test_every_log_action_has_a_row_with_exactly_the_fields_that_it_adds() -> None:
    tables = list(rows(section("Logs")))
    head = tables.index(["action", "fields of its own"])
    common = {field for row in tables[:head] for field in words(row[0])}
    assert common >= FIELDS_OF_EVERY_LINE
    stated = {action: set(words(row[1])) for row in tables[head + 1 :] for action in words(row[0])}
    written = log_fields()
    assert set(stated) == set(log_actions.written())
    for action, fields in stated.items():
        assert fields == written.get(action, set()) - common, action
