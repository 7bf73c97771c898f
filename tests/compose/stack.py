"""The composed service under a project name and a port of its own, so
that it disturbs no other.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable

from deploy.compose import COMMAND_S, Compose, ComposeError, Container, awaited
from tests.acceptance.service import environment
from tests.engines.ports import free_port

PATIENCE = 600.0
"""Seconds that any single step may take on a slow and busy machine."""

INSTANCES = 3
CONTAINERS = 2 * INSTANCES + 5
"""With Kafka, two Cassandra nodes, the one that prepares them, and the
balancer.
"""


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition; name it when it does not come."""
    assert awaited(condition, patience), f"waited {patience:.0f} s in vain for: {what}"


class Stack:
    """Three API and three worker instances behind the balancer, on
    Kafka and two Cassandra nodes.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.project = f"angarium-test-{os.getpid()}"
        self.front_network = f"10.218.{os.getpid() % 256}"
        # Whoever runs the tests may have a .env and settings of their
        # own; the example changes nothing.
        self.compose = Compose(
            *("--env-file", ".env.example", "--project-name", self.project),
            environment=environment(
                ANGARIUM_PORT=str(self.port), FRONT_NETWORK=self.front_network
            ),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def whole(self) -> bool:
        """Whether all that belongs to it is there and well."""
        containers = self.compose.containers()
        return len(containers) == CONTAINERS and all(each.well for each in containers)

    def build(self) -> None:
        self.compose.run("build", seconds=2 * COMMAND_S)

    def up(self) -> float:
        """Start everything, and tell the seconds until all of it was
        healthy.
        """
        began = time.monotonic()
        self.scale(INSTANCES)
        return time.monotonic() - began

    def scale(self, apis: int) -> None:
        self.compose.run(
            *("up", "--detach", "--no-build"),
            *("--scale", f"api={apis}", "--scale", f"worker={INSTANCES}"),
        )
        self.compose.await_well(PATIENCE)

    def down(self, *options: str) -> None:
        self.compose.run("down", "--remove-orphans", *options)

    def one(self, service: str, number: int = 1) -> Container:
        return next(each for each in self.compose.containers(service) if each.number == number)

    def kill(self, container: Container) -> None:
        self.compose.docker("kill", container.id)

    def start(self, *containers: Container) -> None:
        """Start what was stopped or killed, and wait until all is well
        again.
        """
        self.compose.docker("start", *(each.id for each in containers))
        self.compose.await_well(PATIENCE)

    def stop(self, container: Container) -> float:
        """Stop it as Compose does, and tell how many seconds it
        took.
        """
        began = time.monotonic()
        self.compose.docker("stop", container.id)
        return time.monotonic() - began

    def verify(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `angarium verify` through the balancer."""
        return subprocess.run(
            [sys.executable, "-m", "angarium", "verify", "--url", self.url, *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def last_words(self) -> str:
        try:
            return self.compose.run("ps") + self.compose.run("logs", "--no-color", "--tail=40")
        except ComposeError as error:
            return str(error)
