"""What was typed, put into the order in which it is parsed.

Options may come before a command, after it, or between its words.
"""

import re
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from angarium.cli.arguments import Parser
from angarium.cli.errors import UsageError
from angarium.config.values import quote

HELP = frozenset({"-h", "--help"})
VERSION = frozenset({"-V", "--version"})

_NUMBER = re.compile(r"-[0-9]+|-[0-9]*\.[0-9]+")


@dataclass
class CommandLine:
    """A command line by its parts.

    Attributes:
        parser: Of the command that was named, the root's if none.
        path: The command's name, or names.
        options: Each with its value, `--name=value`.
        words: The other arguments, from `--` on as they were typed.
        wants_help: Whether `-h` is among them.
    """

    parser: Parser
    path: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    wants_help: bool = False

    def to_arguments(self) -> list[str]:
        """Return what a parser understands: options, then words.

        Returns:
            The command line without the program's name.
        """
        # An option whose value is missing would take a word for it.
        bare = [each for each in self.options if "=" not in each and self._takes_value(each)]
        complete = [each for each in self.options if each not in bare]
        return [*self.path, *complete, *self.words, *bare]

    def _takes_value(self, option: str) -> bool:
        """Return whether an option of the command needs a value."""
        action = self.parser.options.get(option)
        return action is not None and action.nargs != 0


def read(root: Parser, argv: Sequence[str]) -> CommandLine:
    """Take a command line apart.

    Args:
        root: The parser of all commands.
        argv: What was typed after the program's name.

    Returns:
        Its parts.

    Raises:
        UsageError: There is no such command or option.
    """
    line = CommandLine(root)
    valued = _options_with_values(root)
    tokens = deque(argv)
    while tokens:
        token = tokens.popleft()
        if token == "--":  # noqa: S105 - the end of the options
            line.words += [token, *tokens]
            break
        if token in HELP:
            line.wants_help = True
        elif token in VERSION and not line.path:
            line.path, line.parser = ["version"], root.commands["version"]
        elif _is_option(token):
            if token in valued and tokens:
                token = f"{token}={tokens.popleft()}"
            line.options.append(token)
        elif line.parser.commands and not line.words:
            _enter(root, line, token)
        else:
            line.words.append(token)
    if not line.wants_help:
        _require_sense(root, line)
    return line


def find_command(parser: Parser, name: str) -> Parser:
    """Find a command by its name.

    Args:
        parser: Of the command before it, or the root.
        name: What was typed.

    Returns:
        The command's parser.

    Raises:
        UsageError: There is none; a similar one is proposed.
    """
    found = parser.commands.get(name)
    if found is not None:
        return found
    instead = _similar(name, parser.commands)
    if not instead and parser.prog == "angarium":
        instead = "; see `angarium help`"
    raise UsageError(
        f"{_prefix(parser)}{quote(name)} is not a command"
        f"{instead or '; use one of ' + ', '.join(parser.commands)}"
    )


def _enter(root: Parser, line: CommandLine, name: str) -> None:
    """Go on with the command that was named."""
    if name not in line.parser.commands:
        # It may be the value of a misspelt option.
        _require_options(line, _all_options(root))
    line.parser = find_command(line.parser, name)
    line.path.append(name)


def _require_sense(root: Parser, line: CommandLine) -> None:
    """Refuse options of no command, and anything without a command."""
    if line.path:
        _require_options(line, line.parser.options)
    elif line.options or line.words:
        _require_options(line, _all_options(root))
        raise UsageError("the command is missing; see `angarium -h`")


def _require_options(line: CommandLine, known: Collection[str]) -> None:
    """Refuse an option that is none of those that are known."""
    for option in line.options:
        name = option.partition("=")[0]
        if name in known:
            continue
        instead = _similar(name, [each for each in known if each.startswith("--")])
        if not instead and any(each.nargs in {"*", "+"} for each in line.parser.words):
            instead = "; write `--` before words that begin with a dash"
        raise UsageError(
            f"{_prefix(line.parser)}{quote(name)} is not an option"
            f"{instead or f'; see `{line.parser.prog} -h`'}"
        )


def _all_options(parser: Parser) -> frozenset[str]:
    """Collect the options of all commands."""
    return frozenset(parser.options).union(*map(_all_options, parser.commands.values()))


def _is_option(token: str) -> bool:
    """Return whether a token is an option, and no number or dash."""
    return len(token) > 1 and token.startswith("-") and _NUMBER.fullmatch(token) is None


def _similar(name: str, names: Iterable[str]) -> str:
    """Propose the name that was probably meant."""
    # Only a typo pays for it.
    import difflib

    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _prefix(parser: Parser) -> str:
    """Name the command that an error is about."""
    command = parser.prog.removeprefix("angarium").strip()
    return f"{command}: " if command else ""


def _options_with_values(parser: Parser) -> frozenset[str]:
    """Collect the options of all commands that take a value."""
    # A test holds that none takes one in one command and none in
    # another.
    here = {name for name, each in parser.options.items() if each.nargs != 0}
    return frozenset(here).union(*map(_options_with_values, parser.commands.values()))
