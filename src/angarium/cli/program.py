"""How this program was called, so that a hint can be pasted as it
stands.
"""

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

NAME = "angarium"
"""What hints in the code call it, and what it is called where it can be
found by that name.
"""

_MODULE = "__main__.py"


def called_as(script: str, python: str, find: Callable[[str], str | None] = shutil.which) -> str:
    """Say what to type to call this program again.

    Args:
        script: What runs, `sys.argv[0]`.
        python: The interpreter as it was called, `sys.orig_argv[0]`.
        find: Looks a program up in the PATH.

    Returns:
        The name alone where the PATH leads to the same file, the path
        as it was typed where it does not.
    """
    if Path(script).name == _MODULE:
        return f"{shlex.quote(python)} -m {NAME}"
    found = find(NAME)
    if Path(script).name != NAME or (
        found is not None and Path(found).absolute() == Path(script).absolute()
    ):
        return NAME
    return shlex.quote(script)


def with_program(line: str) -> str:
    """Name the program in a hint as it was called.

    Args:
        line: May have commands of this program in backticks.

    Returns:
        The line, its commands ready to be pasted.
    """
    hint = f"`{NAME} "
    if hint not in line:
        return line
    return line.replace(hint, f"`{called_as(sys.argv[0], sys.orig_argv[0])} ")
