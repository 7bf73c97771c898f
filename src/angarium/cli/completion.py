"""`angarium completion`: scripts with which a shell completes commands.

They are made from the parser, so they know every command and option.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence

from angarium.cli.arguments import Commands, Parser, add_command
from angarium.cli.console import Console

FILE_METAVARS = frozenset({"FILE"})
"""What an argument is called whose value is a file."""

_GLOBAL = (("--help", "explain it"), ("--version", "print the version"))


def register(commands: Commands, root: Parser) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
        root: The parser of all commands.
    """

    def run(arguments: argparse.Namespace, console: Console) -> int:
        """Print the script for a shell."""
        console.stdout.write(_SCRIPTS[arguments.shell](root))
        return 0

    parser = add_command(
        commands,
        "completion",
        run,
        "print a script that completes commands in a shell",
        "Print a script with which bash, zsh or fish completes commands and options. Load it in "
        "the shell's startup file, as below.",
        'eval "$(angarium completion bash)"     # in ~/.bashrc\n'
        'eval "$(angarium completion zsh)"      # in ~/.zshrc, after compinit\n'
        "angarium completion fish | source      # in ~/.config/fish/config.fish",
    )
    parser.add_argument(
        "shell", metavar="SHELL", choices=sorted(_SCRIPTS), help="bash, zsh or fish"
    )


def _walk(parser: Parser, path: str = "") -> Iterator[tuple[str, Parser]]:
    """Yield every command with its path, the root's first."""
    yield path, parser
    for name, child in parser.commands.items():
        yield from _walk(child, f"{path} {name}".strip())


def _options(parser: Parser, path: str) -> Sequence[tuple[str, str]]:
    """Return the long options of a command with their help."""
    if not path:
        return _GLOBAL
    return [
        (name, (action.help or "").replace("%%", "%"))
        for name, action in parser.options.items()
        if name.startswith("--")
    ]


def _choices(parser: Parser, path: str) -> Sequence[str]:
    """Return the words that a command takes, where they are known."""
    if path == "help":
        return []
    return [str(each) for action in parser.words for each in action.choices or ()]


def _options_with_value(root: Parser) -> Mapping[str, bool]:
    """Map each option with a value to whether that is a file's name."""
    return {
        name: str(action.metavar) in FILE_METAVARS
        for _, parser in _walk(root)
        for name, action in parser.options.items()
        if action.nargs != 0
    }


def _takes_files(parser: Parser) -> bool:
    """Return whether a command has a file for an argument."""
    return any(str(action.metavar) in FILE_METAVARS for action in parser.words)


def _bash_cases(root: Parser) -> Iterator[str]:
    """Yield what can follow each path, as cases of bash and zsh."""
    for path, parser in _walk(root):
        words = [*parser.commands, *_choices(parser, path)]
        words += [name for name, _ in _options(parser, path)]
        files = "; files=1" if _takes_files(parser) else ""
        yield f"    '{path}') words='{' '.join(words)}'{files} ;;"


def _bash(root: Parser) -> str:
    """Make the script for bash."""
    paths = "|".join(f"'{path}'" for path, _ in _walk(root) if path)
    valued = _options_with_value(root)
    file_options = "|".join(sorted(name for name, is_file in valued.items() if is_file))
    return _BASH.format(
        paths=paths,
        cases="\n".join(_bash_cases(root)),
        valued="|".join(sorted(valued)),
        file_options=file_options or "--",
    )


_BASH = """\
# bash completion for angarium; made by `angarium completion bash`.
_angarium() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="" path="" word words="" files="" i skip=""
  [ "$COMP_CWORD" -gt 0 ] && prev="${{COMP_WORDS[COMP_CWORD-1]}}"
  COMPREPLY=()
  case "$prev" in
    {file_options}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    {valued}) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$word" in
      {valued}) skip=1; continue ;;
      -*) continue ;;
    esac
    case "${{path:+$path }}$word" in
      {paths}) path="${{path:+$path }}$word" ;;
    esac
  done
  case "$path" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$cur")); fi
}}
complete -F _angarium angarium
"""


def _zsh_cases(root: Parser) -> Iterator[str]:
    """Yield what can follow each path, with descriptions."""
    for path, parser in _walk(root):
        described = [*parser.summaries.items()]
        described += [(choice, "") for choice in _choices(parser, path)]
        described += _options(parser, path)
        items = " ".join(_quote(f"{name}:{what}" if what else name) for name, what in described)
        files = "; files=1" if _takes_files(parser) else ""
        yield f"    '{path}') items=({items}){files} ;;"


def _zsh(root: Parser) -> str:
    """Make the script for zsh."""
    valued = _options_with_value(root)
    return _ZSH.format(
        paths="|".join(f"'{path}'" for path, _ in _walk(root) if path),
        cases="\n".join(_zsh_cases(root)),
        valued="|".join(sorted(valued)),
        file_options="|".join(sorted(name for name, is_file in valued.items() if is_file)) or "--",
    )


_ZSH = """\
#compdef angarium
# zsh completion for angarium; made by `angarium completion zsh`.
_angarium() {{
  local path_of="" word skip="" files="" i
  local -a items
  case "$words[CURRENT-1]" in
    {file_options}) _files; return ;;
    {valued}) return 1 ;;
  esac
  for ((i = 2; i < CURRENT; i++)); do
    word="$words[i]"
    if [[ -n "$skip" ]]; then skip=""; continue; fi
    case "$word" in
      {valued}) skip=1; continue ;;
      -*) continue ;;
    esac
    case "${{path_of:+$path_of }}$word" in
      {paths}) path_of="${{path_of:+$path_of }}$word" ;;
    esac
  done
  case "$path_of" in
{cases}
  esac
  _describe 'angarium' items
  [[ -n "$files" ]] && _files
}}
if [ "$funcstack[1]" = "_angarium" ]; then
  _angarium
else
  compdef _angarium angarium
fi
"""


def _fish(root: Parser) -> str:
    """Make the script for fish."""
    paths = " ".join(f"'{path}'" for path, _ in _walk(root) if path)
    lines = [_FISH.format(paths=paths, valued=" ".join(sorted(_options_with_value(root))))]
    for path, parser in _walk(root):
        guard = f"complete -c angarium -n {_quote(f'__angarium_at {path}'.strip())}"
        files = "" if _takes_files(parser) else " -f"
        lines += [
            f"{guard}{files} -a {_quote(name)} -d {_quote(what)}"
            for name, what in [
                *parser.summaries.items(),
                *((choice, "") for choice in _choices(parser, path)),
            ]
        ]
        if not parser.commands:
            lines.append(f"{guard}{files}")
        for name, what in _options(parser, path):
            action = parser.options.get(name)
            value = ""
            if action is not None and action.nargs != 0:
                value = " -r -F" if str(action.metavar) in FILE_METAVARS else " -x"
            lines.append(f"{guard} -l {name[2:]}{value} -d {_quote(what)}")
    return "\n".join(lines) + "\n"


_FISH = """\
# fish completion for angarium; made by `angarium completion fish`.
function __angarium_at
    set -l known {paths}
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word {valued}
            set skip 1
        else if contains -- (string trim "$path $word") $known
            set path (string trim "$path $word")
        end
    end
    test "$path" = "$argv"
end"""


def _quote(text: str) -> str:
    """Quote a text for any of the three shells."""
    # None of the three needs an apostrophe to be understood.
    return "'" + text.replace("'", "\u2019") + "'"


_SCRIPTS: Mapping[str, Callable[[Parser], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
