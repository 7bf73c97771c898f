"""Variables that look like settings and are none: most often a slip of
the pen.
"""

import difflib
from collections.abc import Mapping

from angarium.config.settings import Settings

PREFIX = "ANGARIUM_"
TEST_PREFIX = "ANGARIUM_TEST_"


def unknown_settings(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Point at variables that no part of the program reads.

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
        f"{name} is no setting and is ignored; {_advice(name, known)}" for name in strange
    )


def _advice(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.6)
    return f"is {known[near[0]]} meant?" if near else "see `angarium config`"
