"""The client's connection: kept, bounded and encrypted."""

import socket
import ssl
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from angarium.client import http_transport
from angarium.client.api_client import ApiClient, Caller
from angarium.client.errors import (
    ServerUnreachable,
    UnexpectedResponse,
)
from angarium.client.http_transport import HttpTransport
from angarium.client.transport import Response
from tests.unit.cli.fake_server import FakeServer
from tests.unit.cli.fake_service import FakeService, id_of

Address = tuple[str, int]

WHOLE = (
    b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 13\r\nRetry-After: 1\r\n\r\n"
    b'{"a":"\xc3\xa4\xc3\xb6"}\n'
)


class Scripted:
    """A server that answers each connection with the next piece of
    bytes, and then ends it.
    """

    def __init__(self, *answers: bytes, silent: bool = False) -> None:
        self._answers = deque(answers)
        self._silent = silent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65_536))
                if self._silent:
                    connection.recv(1)
                else:
                    connection.sendall(self._answers.popleft())

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)


def get(url: str, timeout: float = 30.0) -> Response:
    transport = HttpTransport(url, timeout)
    try:
        return transport.exchange("GET", "/", None, {})
    finally:
        transport.close()


def test_a_whole_answer_is_read() -> None:
    server = Scripted(WHOLE)
    assert get(server.url) == Response(200, "OK", "1", '{"a":"äö"}\n')
    server.close()


def test_an_answer_that_ends_its_connection_is_read() -> None:
    server = Scripted(WHOLE.replace(b"Server: x", b"Connection: close"))
    assert get(server.url).text == '{"a":"äö"}\n'
    server.close()


def test_an_answer_cut_off_anywhere_is_an_outage_and_never_an_answer() -> None:
    server = Scripted(*(WHOLE[:size] for size in range(len(WHOLE))))
    for size in range(len(WHOLE)):
        with pytest.raises(ServerUnreachable, match=r"cut off|connection was closed") as away:
            get(server.url)
        assert away.value.retryable, size
    server.close()


def test_a_chunked_answer_is_read_and_one_cut_off_is_an_outage() -> None:
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    server = Scripted(whole, whole[:-9])
    assert get(server.url).text == "{}"
    with pytest.raises(ServerUnreachable, match="cut off"):
        get(server.url)
    server.close()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff"]
)
def test_another_kind_of_server_is_no_outage(answer: bytes) -> None:
    server = Scripted(answer)
    with pytest.raises(
        UnexpectedResponse, match="does not answer like an Angarium server"
    ) as strange:
        get(server.url)
    assert not strange.value.retryable
    server.close()


def test_a_silent_server_is_not_waited_for_long() -> None:
    server = Scripted(silent=True)
    with pytest.raises(ServerUnreachable, match=r"no answer within 0\.2 s"):
        get(server.url, timeout=0.2)
    server.close()


class Trickling:
    """A server that answers a byte at a time, for ever."""

    def __init__(self, beginning: bytes, more: bytes) -> None:
        self._beginning, self._more = beginning, more
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        pause = threading.Event()
        with connection:
            connection.recv(65_536)
            try:
                connection.sendall(self._beginning)
                while not pause.wait(0.01):
                    connection.sendall(self._more)
            except OSError:
                # The client has left.
                return

    def close(self) -> None:
        self._thread.join(30)
        self._listener.close()
        assert not self._thread.is_alive()


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        (b"HTTP/1.1 2", b"0"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_server_that_trickles_has_no_more_time_than_a_silent_one(
    beginning: bytes, more: bytes
) -> None:
    server = Trickling(beginning, more)
    with pytest.raises(ServerUnreachable, match=r"no answer within 0\.3 s"):
        get(server.url, timeout=0.3)
    server.close()


@pytest.fixture
def silent() -> Iterator[Address]:
    """An address that answers no connection: its queue is full."""
    with ExitStack() as closing:
        listener = closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address: Address = listener.getsockname()
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address


def addresses_of(*addresses: Address) -> Callable[..., list[tuple[object, ...]]]:
    """Look every name up as these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", each) for each in addresses]
    return lambda *_, **__: list(found)


def test_all_addresses_of_a_host_share_one_time(
    silent: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would have the whole time, one after the other."""
    monkeypatch.setattr(socket, "getaddrinfo", addresses_of(*[silent] * 50))
    began = time.monotonic()
    with pytest.raises(ServerUnreachable, match="no answer within"):
        get("http://name.example:1", timeout=1.0)
    assert time.monotonic() - began < 25


def test_a_silent_address_leaves_time_for_the_next_one(
    silent: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Scripted(WHOLE)
    answering = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    monkeypatch.setattr(socket, "getaddrinfo", addresses_of(silent, answering))
    assert get("http://name.example:1", timeout=2.0).status == 200
    server.close()


def test_an_endless_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "MAX_BYTES", 10)
    server = Scripted(WHOLE)
    with pytest.raises(UnexpectedResponse):
        get(server.url)
    server.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "two..dots", ".first", f"{'a' * 64}.long"])
def test_a_host_without_an_address_is_told(host: str) -> None:
    with pytest.raises(ServerUnreachable, match="no such host"):
        get(f"http://{host}")


def test_the_connection_is_kept_and_opened_anew_when_the_server_ended_it() -> None:
    with FakeServer() as server:
        client = ApiClient.at(server.url, Caller("alice", "token-of-alice"), patience_s=0.0)
        assert client.user_id("bob") == id_of("bob")
        assert client.user_id("carol") == id_of("carol")
        assert len(server._connections) == 1
        server.cut()
        assert client.user_id("bob") == id_of("bob")
        assert len(server._connections) == 2
        client.close()


def test_an_address_can_have_a_path() -> None:
    server = Scripted(WHOLE)
    get(f"{server.url}/base")
    assert server.requests[0].startswith(b"GET /base/ HTTP/1.1\r\n")
    server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    kind = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
    command = f"openssl req -x509 {kind} -nodes -days 2 -subj /CN=localhost"
    names = "-addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    where = f"{names} -keyout {folder}/key.pem -out {folder}/cert.pem"
    try:
        subprocess.run(
            [*command.split(), *where.split()], check=True, capture_output=True, timeout=60
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not installed")
    return folder


@pytest.fixture
def secure(certificate: Path) -> Iterator[FakeServer]:
    with FakeServer(FakeService()) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        yield server


def test_https_is_spoken_with_servers_that_can_prove_who_they_are(
    secure: FakeServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = secure.url.replace("http://", "https://")
    with pytest.raises(ServerUnreachable, match="TLS failed: CERTIFICATE_VERIFY_FAILED"):
        ApiClient.at(url, patience_s=0.0).log_in("alice", "alice-demo")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    client = ApiClient.at(url, patience_s=0.0)
    assert client.log_in("alice", "alice-demo").access_token == "token-of-alice"
    client.close()
