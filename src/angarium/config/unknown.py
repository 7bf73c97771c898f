"""Environment variables that look like settings: typing errors."""

import difflib
from collections.abc import Mapping

from angarium.config.settings import Settings

PREFIX = "ANGARIUM_"
TEST_PREFIX = "ANGARIUM_TEST_"


def unknown_settings(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Report variables with the program's prefix that nothing reads.

    Args:
        environment: Such as `os.environ`.

    Returns:
        A line for each, with the nearest setting's name where one is
        near.
    """
    known = {shown.name.removeprefix(PREFIX): shown.name for shown in Settings.from_env({}).shown}
    strange = sorted(
        name
        for name in environment
        if name.startswith(PREFIX)
        and not name.startswith(TEST_PREFIX)
        and name.removeprefix(PREFIX) not in known
    )
    return tuple(
        f"{name} is not a setting and is ignored; {_advice(name, known)}" for name in strange
    )


def _advice(name: str, known: Mapping[str, str]) -> str:
    """Propose the most similar setting."""
    near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.6)
    return f"did you mean {known[near[0]]}?" if near else "see `angarium config`"
