"""The deployed HAProxy as a process of its own, in front of servers on
loopback.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

DEPLOYED = Path(__file__).parents[1] / "deploy"
COMMAND = "ANGARIUM_TEST_HAPROXY"
"""Names another `haproxy` than the one on the path."""

PATIENCE = 60.0
MISSING = "these tests need haproxy: apt-get install haproxy"

_RESOLVERS = re.compile(r"^resolvers docker\n(?:    .*\n)+", re.MULTILINE)


def haproxy_command() -> str:
    """Find the program; without it the test is skipped, and fails under
    CI=true.
    """
    command = os.environ.get(COMMAND) or shutil.which(
        "haproxy", path=f"{os.environ['PATH']}:/usr/sbin"
    )
    if command is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    return command


def configuration(port: int, server_ports: Sequence[int]) -> str:
    """The deployed one but for addresses: no Docker tells them, and
    others may run beside it.
    """
    text = _RESOLVERS.sub("", (DEPLOYED / "haproxy.cfg").read_text())
    text = text.replace(" resolvers docker resolve-prefer ipv4 init-addr none", "")
    servers = [f"server api{n} 127.0.0.1:{each}" for n, each in enumerate(server_ports, 1)]
    text = text.replace("server-template api 16 api:8080", "\n    ".join(servers))
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    return text.replace("abns@angarium-http", f"abns@angarium-{uuid4().hex}")


@contextmanager
def balancer(
    folder: Path,
    server_port: int,
    outer_proxies: Sequence[str] = (),
    request_timeout: int = 10,
    more_ports: Sequence[int] = (),
) -> Iterator[str]:
    """Run it for the length of a block, and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    shutil.copy(DEPLOYED / "wire.lua", folder)
    file = folder / "haproxy.cfg"
    file.write_text(configuration(port, [server_port, *more_ports]))
    with (folder / "haproxy.log").open("w") as log:
        process = subprocess.Popen(
            [haproxy_command(), "-db", "-f", str(file)],
            env={
                **os.environ,
                "ANGARIUM_IDLE_TIMEOUT": "60",
                "ANGARIUM_REQUEST_TIMEOUT": str(request_timeout),
                "ANGARIUM_OUTER_PROXIES": " ".join(outer_proxies),
            },
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(process, port, folder / "haproxy.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    pause = threading.Event()
    while b" 200 " not in _first_line(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up, log.read_text()
        pause.wait(0.05)


def _first_line(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            peer.sendall(
                b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            return peer.recv(64)
    except OSError:
        return b""
