"""Every log action that the code writes is in the operators' table, at
its levels, and none is only there.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = ("debug", "info", "warning", "error")

Actions = dict[str, set[str]]

PARTS = ("log", "store", "dead_letters", "commit")
CHECKED = ("log", "store")

WRITES = {
    **{level: ({level}, 0) for level in LEVELS},
    "limited_warning": ({"debug", "warning"}, 1),
    "limited_error": ({"debug", "error"}, 1),
}
"""The levels of each way to write a line, and which argument is the
action.
"""

COMPUTED = {
    "action": [f"{part}_unavailable" for part in PARTS],
    "f'{self._dependency}_available'": [f"{part}_available" for part in PARTS],
    "f'{self._name}_unavailable'": [f"{part}_unavailable" for part in CHECKED],
    "f'{name}_unavailable'": [f"{part}_unavailable" for part in CHECKED],
    "code.value": ["log_unavailable", "store_unavailable"],
    "accepted": ["message_accepted", "receipts_accepted"],
}
"""What expressions in the code come to, where the action is no plain
text.
"""

WRITTEN_BY_THE_LOG_ITSELF: Actions = {
    "library": {"debug", "warning", "error"},
    "log_lines_lost": {"error"},
}


def written() -> Actions:
    """Give the actions of all calls in the code with their levels."""
    found: Actions = {action: set(levels) for action, levels in WRITTEN_BY_THE_LOG_ITSELF.items()}
    for file in (ROOT / "src").rglob("*.py"):
        for call in log_calls(file):
            levels, action_at = WRITES[call.func.attr]  # type: ignore[attr-defined]
            for action in actions(call.args[action_at], file):
                found.setdefault(action, set()).update(levels)
    return found


def log_calls(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in WRITES
            and ast.unparse(node.func.value) in {"_log", "to"}
        ):
            yield node


def actions(action: ast.expr, file: Path) -> list[str]:
    if isinstance(action, ast.Constant):
        return [str(action.value)]
    expression = ast.unparse(action)
    assert expression in COMPUTED, (
        f"{file}:{action.lineno} writes an action that nobody here knows: {expression}"
    )
    return COMPUTED[expression]


def documented() -> Actions:
    table = (
        (ROOT / "docs" / "operations.md").read_text().split("## Log actions")[1].split("\n## ")[0]
    )
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    return {
        action: set(re.findall("|".join(LEVELS), row[2]))
        for row in rows
        for action in re.findall(r"`(\w+)`", row[1])
    }


def test_every_action_of_the_code_is_documented_at_its_levels_and_no_other_is() -> None:
    assert documented() == written()


def test_every_outage_that_is_told_is_known_here() -> None:
    told = re.findall(
        r'dependencies\.health_of\("(\w+)"',
        "".join(map(Path.read_text, (ROOT / "src").rglob("*.py"))),
    )
    assert sorted(told) == sorted(PARTS)
