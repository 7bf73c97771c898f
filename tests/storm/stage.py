"""The composed service with users of its own, on a port of its own, and
an attacker in its network.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.compose import COMMAND_S, ROOT, Compose, ComposeError
from tests.acceptance.service import environment, run_cli

WELL_S = 600.0
AUDIT_S = 3600.0
ATTACKERS = ("mallory", "trudy")
SENDERS = 2
OTHERS = 12
"""Conversations of each sender: each is written one message after the
other, and a fault holds it up.
"""


class Stage:
    """Everything that a storm needs; `down` takes it away again."""

    def __init__(self, folder: Path, apis: int, workers: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder = folder
        self.password = secrets.token_hex(16)
        self.project = f"angarium-storm-{os.getpid()}"
        self._scale = {"api": apis, "worker": workers}
        (folder / "files").mkdir(parents=True, exist_ok=True)
        self.compose = Compose(
            *("--file", "docker-compose.yml", "--file", "tests/storm/compose.yml"),
            *("--env-file", ".env.example", "--project-name", self.project),
            environment=environment(
                ANGARIUM_PORT=str(self.port),
                ANGARIUM_USERS="/etc/angarium/users.json",
                ANGARIUM_JWT_SECRET=secrets.token_hex(32),
                SERVICE_FILES=str((folder / "files").resolve()),
                FRONT_NETWORK=f"10.219.{os.getpid() % 256}",
            ),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[tuple[str, int]]:
        """Every container that faults can come to: all but the one that
        prepares and has ended.
        """
        containers = self.compose.containers()
        return [(each.service, each.number) for each in containers if each.service != "init"]

    def up(self) -> None:
        """Build and start everything, and wait until it is well."""
        self._write_users()
        self.compose.run("build", "api", seconds=2 * COMMAND_S)
        scale = [
            part for name, count in self._scale.items() for part in ("--scale", f"{name}={count}")
        ]
        self.compose.run("up", "--detach", "--no-build", *scale)
        self.compose.await_well(WELL_S)

    def down(self) -> None:
        """Take it away, with its data."""
        self.end_attacking()
        self.compose.run("down", "--volumes", "--remove-orphans")

    def begin_verifying(
        self, number: int, messages: int, rate: int, patience: float
    ) -> "subprocess.Popen[str]":
        """Start one sender's `angarium verify`, which writes, reads
        back and compares.
        """
        others = [part for name in _others(number) for part in ("--with", name)]
        with (self.folder / f"verify-{number}.json").open("w") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "angarium", "verify", "--json", "--url", self.url),
                    *("--as", f"sender-{number}", *others, "--ledger", str(self.ledger(number))),
                    *(
                        "--messages",
                        str(messages),
                        "--rate",
                        str(rate),
                        "--patience",
                        f"{patience:g}",
                    ),
                ],
                env=environment(XDG_CONFIG_HOME=str(self.folder / "config")),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=(self.folder / f"verify-{number}.err").open("w"),
                text=True,
            )
        assert process.stdin is not None
        process.stdin.write(f"{self.password}\n" * (OTHERS + 1))
        process.stdin.close()
        return process

    def ledger(self, number: int) -> Path:
        return self.folder / f"ledger-{number}.jsonl"

    def audit(self) -> tuple[int, dict[str, object]]:
        """Compare the store with the log, in a container of its own.

        Returns:
            The exit status, and what `angarium audit` printed.
        """
        return self.compose.run_json(
            *("run", "--rm", "--no-deps", "-T", "init", "audit", "--json"), seconds=AUDIT_S
        )

    def begin_attacking(self) -> None:
        """Start the attacker, at an address that is not the verifying
        ones'.
        """
        script = Path(__file__).with_name("attacker.py").resolve()
        image = json.loads(self.compose.docker("inspect", self.compose.containers("api")[0].id))[
            0
        ]["Image"]
        self.compose.docker(
            *("run", "--detach", "--name", self._attacker, "--memory", "256m", "--read-only"),
            *("--network", f"{self.project}_front", "--volume", f"{script}:/attacker.py:ro"),
            *(
                "--entrypoint",
                "python",
                image,
                "/attacker.py",
                "http://haproxy:8080",
                self.password,
            ),
        )

    def end_attacking(self) -> None:
        _quietly(self.compose, "rm", "--force", self._attacker)

    def attack_counts(self) -> dict[str, int]:
        """How the attacker was answered until now."""
        lines = _quietly(self.compose, "logs", "--tail", "1", self._attacker).splitlines()
        try:
            return dict(json.loads(lines[-1])) if lines else {}
        except ValueError:
            return {}

    @property
    def _attacker(self) -> str:
        return f"{self.project}-attacker"

    def _write_users(self) -> None:
        # One hash for all: it is salted, and each start compares it
        # with what is stored.
        password_hash = run_cli("users", "hash", stdin=f"{self.password}\n").stdout.strip()
        names: Sequence[str] = [
            *ATTACKERS,
            *(f"sender-{number}" for number in range(SENDERS)),
            *(name for number in range(SENDERS) for name in _others(number)),
        ]
        users = [{"username": name, "password_hash": password_hash} for name in names]
        file = self.folder / "files" / "users.json"
        file.write_text(json.dumps(users))
        # The instances run as another user, and see the folder
        # read-only.
        file.chmod(0o644)
        file.parent.chmod(0o755)


def _others(number: int) -> list[str]:
    return [f"other-{number}-{index}" for index in range(OTHERS)]


def _quietly(compose: Compose, *arguments: str) -> str:
    try:
        return compose.docker(*arguments, seconds=60.0)
    except ComposeError:
        return ""
