"""`angarium verify` beside whatever is killed, as an operator
runs it.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import cast

from tests.acceptance.service import PATIENCE, environment, until

# Whoever runs the tests in the background may have Ctrl-C ignored,
# which every process inherits.
_WITH_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("angarium", run_name="__main__", alter_sys=True)
"""

MAX_S = 600
"""It is stopped long before."""

_numbers = count(1)


class VerifyProcess:
    """One run: it writes until `stop`, then reads everything back
    through every instance.

    Attributes:
        report: What it said; empty until `stop`.
        status: Its exit status.
    """

    def __init__(
        self,
        folder: Path,
        urls: Sequence[str],
        names: Sequence[str],
        password: str,
        rate: int,
        patience: float = PATIENCE,
    ) -> None:
        """Let the first of these people write to all others.

        Args:
            folder: For its ledger, its report and its logins.
            urls: The instances.
            names: Who takes part.
            password: Everybody's.
            rate: Messages a second.
            patience: Seconds for which it repeats a request, and waits
                for what was accepted.
        """
        self.report: Mapping[str, object] = {}
        self.status = -1
        self._urls = urls
        self._writer, *self._others = names
        self._password = password
        self._rate = rate
        self._patience = patience
        self._folder = folder / f"verify-{next(_numbers)}"
        self._ledger = self._folder / "ledger.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait for the first 202."""
        self._folder.mkdir()
        passwords = self._folder / "passwords"
        passwords.write_text(f"{self._password}\n" * (1 + len(self._others)))
        with (
            passwords.open() as stdin,
            (self._folder / "report").open("w") as stdout,
            (self._folder / "errors").open("w") as stderr,
        ):
            self._process = subprocess.Popen(
                [sys.executable, "-c", _WITH_CTRL_C, "verify", "--json", *self._options()],
                env=environment(XDG_CONFIG_HOME=str(self._folder)),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
            )
        until(lambda: self.accepted > 0, "`angarium verify` gets its first 202")

    def stop(self) -> None:
        """End the writing as Ctrl-C does, and wait for the report."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self.status = self._process.wait(3 * PATIENCE)
        said = (self._folder / "report").read_text()
        assert said, (self._folder / "errors").read_text()
        self.report = json.loads(said)

    def kill(self) -> None:
        """End it without a report; safe to repeat."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)

    @property
    def accepted(self) -> int:
        """How many messages got their 202 until now."""
        return self._count("accepted")

    @property
    def confirmed(self) -> int:
        """How many receipts got theirs."""
        return self._count("confirmed")

    def promises(self) -> dict[str, list[tuple[str, str]]]:
        """Give what the ledger says was accepted.

        Returns:
            Ids and texts by conversation, in the order of their 202s.
        """
        texts: dict[str, str] = {}
        accepted: dict[str, list[tuple[str, str]]] = {}
        for line in self.entries():
            message_id = str(line.get("message_id"))
            if line["entry"] == "sent":
                texts[message_id] = str(line["content"])
            elif line["entry"] == "accepted":
                promised = accepted.setdefault(str(line["conversation_id"]), [])
                promised.append((message_id, texts[message_id]))
        return accepted

    def entries(self) -> list[Mapping[str, object]]:
        """Give the ledger, without a line that is being written."""
        text = self._ledger.read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [cast("Mapping[str, object]", json.loads(line)) for line in lines]

    def _options(self) -> list[str]:
        return [
            *("--as", self._writer, "--rate", str(self._rate), "--seconds", str(MAX_S)),
            *("--patience", str(self._patience)),
            *("--ledger", str(self._ledger)),
            *(word for name in self._others for word in ("--with", name)),
            *(word for url in self._urls for word in ("--url", url)),
        ]

    def _count(self, entry: str) -> int:
        return (
            self._ledger.read_text().count(f'"entry": "{entry}"') if self._ledger.exists() else 0
        )
