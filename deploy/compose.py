"""A Compose project from outside: its containers, and what they log.

It runs `docker compose` or `docker-compose`.
"""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parents[1]
LOOK_S = 0.2
COMMAND_S = 600.0
"""How long one command may take; the first one may fetch and build
images.
"""

_LOGGED = re.compile(r"(?P<source>[\w.-]+?)[-_](?P<number>\d+)\s+\| (?P<line>\{.*\})")


class ComposeError(Exception):
    """A command failed or took too long; the message is for people."""


@dataclass(frozen=True)
class Container:
    """One container as it was when it was looked at.

    Attributes:
        id: The engine's.
        service: Of the Compose file.
        number: Which of the service's containers.
        status: `running`, `exited` and the like.
        health: `healthy`, `starting`, `unhealthy`; None where nothing
            is checked.
        exit_code: Of the last run.
    """

    id: str
    service: str
    number: int
    status: str
    health: str | None
    exit_code: int

    @property
    def name(self) -> str:
        """Name it as both kinds of Compose can be read.

        Returns:
            Service and number.
        """
        return f"{self.service}-{self.number}"

    @property
    def well(self) -> bool:
        """Tell whether it does what it is for.

        Returns:
            True when it runs and is healthy, or has come to a good end.
        """
        if self.status == "exited":
            return self.exit_code == 0
        return self.status == "running" and self.health in {None, "healthy"}


@dataclass(frozen=True)
class Logged:
    """One structured log line.

    Attributes:
        container: Service and number of who wrote it.
        fields: The line.
    """

    container: str
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        """Read a field as text.

        Args:
            name: Of the field.

        Returns:
            Its value; empty where there is none.
        """
        return str(self.fields.get(name, ""))


class Compose:
    """Runs commands on one project."""

    def __init__(
        self,
        *options: str,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Pick the project.

        Args:
            options: Before every subcommand, such as `--project-name`.
            environment: Instead of the caller's.
            command: Compose itself; found when None.
        """
        self._environment = dict(os.environ if environment is None else environment)
        self._command = [*(command or compose_command()), *options]

    def run(self, *arguments: str, seconds: float = COMMAND_S) -> str:
        """Run a subcommand to its end.

        Args:
            arguments: Of Compose.
            seconds: How long it may take.

        Returns:
            What it wrote to its stdout.

        Raises:
            ComposeError: It failed.
        """
        return _run([*self._command, *arguments], self._environment, seconds)

    def run_json(
        self, *arguments: str, seconds: float = COMMAND_S
    ) -> tuple[int, dict[str, object]]:
        """Run a subcommand whose findings are in its exit status.

        Args:
            arguments: Of Compose.
            seconds: How long it may take.

        Returns:
            The exit status, and the JSON object that it wrote to its
            stdout.

        Raises:
            ComposeError: It wrote none.
        """
        done = _ended([*self._command, *arguments], self._environment, seconds)
        try:
            return done.returncode, dict(json.loads(done.stdout))
        except ValueError as error:
            raise _failed(done) from error

    def docker(self, *arguments: str, seconds: float = COMMAND_S) -> str:
        """Run a command of the engine's own to its end.

        Args:
            arguments: Of `docker`.
            seconds: How long it may take.

        Returns:
            What it wrote to its stdout.

        Raises:
            ComposeError: It failed.
        """
        return _run(["docker", *arguments], self._environment, seconds)

    def containers(self, *services: str) -> list[Container]:
        """Look at the project's containers, ended ones too.

        Args:
            services: Only these; all when none is named.

        Returns:
            By service and number.
        """
        ids = self.run("ps", "--all", "--quiet").split()
        documents = json.loads(self.docker("inspect", *ids)) if ids else []
        found = [_container(document) for document in documents]
        wanted = [each for each in found if not services or each.service in services]
        return sorted(wanted, key=lambda each: (each.service, each.number))

    def await_well(self, seconds: float) -> None:
        """Wait until every container does what it is for.

        Args:
            seconds: How long that may take.

        Raises:
            ComposeError: It took longer.
        """
        unwell: list[str] = []

        def all_well() -> bool:
            containers = self.containers()
            unwell[:] = [
                f"{each.name} is {each.status} ({each.health or each.exit_code})"
                for each in containers
                if not each.well
            ]
            return bool(containers) and not unwell

        if not awaited(all_well, seconds):
            raise ComposeError(
                f"not well after {seconds:g} s: {', '.join(unwell) or 'nothing runs'}"
            )

    def logged(self, *services: str, last: int = 5_000) -> Iterator[Logged]:
        """Read structured log lines; others are passed over.

        Args:
            services: Whose.
            last: So many lines of each container at most.

        Yields:
            Each line, in the order of its container's.
        """
        for line in self.run("logs", "--no-color", f"--tail={last}", *services).splitlines():
            found = _LOGGED.match(line)
            if found:
                fields = _fields(found["line"])
                if fields is not None:
                    yield Logged(f"{found['source']}-{found['number']}", fields)


def compose_command() -> list[str]:
    """Find Compose.

    Returns:
        `docker compose` where the plugin is, else `docker-compose`.
    """
    try:
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    except FileNotFoundError:
        return ["docker-compose"]
    return ["docker-compose"] if done.returncode else ["docker", "compose"]


def awaited(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition.

    Args:
        condition: Looked at a few times a second.
        seconds: How long to wait.

    Returns:
        Whether it came.
    """
    give_up = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > give_up:
            return False
        pause.wait(LOOK_S)
    return True


def _run(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> str:
    done = _ended(command, environment, seconds)
    if done.returncode:
        raise _failed(done)
    return done.stdout


def _ended(
    command: Sequence[str], environment: Mapping[str, str], seconds: float
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise ComposeError(
            f"{command[0]} is not installed; Docker with Compose 1.29 or newer is needed"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ComposeError(f"{' '.join(command)} took longer than {seconds:g} s") from error


def _failed(done: "subprocess.CompletedProcess[str]") -> ComposeError:
    command = " ".join(done.args)
    return ComposeError(f"{command} ended with {done.returncode}:\n{done.stderr.strip()}")


def _container(document: Mapping[str, object]) -> Container:
    state = cast("Mapping[str, object]", document["State"])
    health = cast("Mapping[str, str]", state.get("Health") or {})
    config = cast("Mapping[str, object]", document["Config"])
    labels = cast("Mapping[str, str]", config["Labels"])
    return Container(
        id=cast("str", document["Id"]),
        service=labels["com.docker.compose.service"],
        number=int(labels["com.docker.compose.container-number"]),
        status=cast("str", state["Status"]),
        health=health.get("Status"),
        exit_code=cast("int", state["ExitCode"]),
    )


def _fields(line: str) -> Mapping[str, object] | None:
    try:
        return cast("Mapping[str, object]", json.loads(line))
    except ValueError:
        # Cut off by a kill.
        return None
