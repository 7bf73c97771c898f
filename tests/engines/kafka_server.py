"""A real Kafka broker, in a folder and on ports of its own."""

import base64
import os
import string
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engines.jars import jars
from tests.engines.java import QUICK_START, Jvm
from tests.engines.ports import free_port
from tests.engines.processes import NotReady, ServerProcess

if TYPE_CHECKING:
    # Making them needs a package of the tests, and `make engines` has
    # none.
    from tests.engines.certificates import Certificates

_HERE = Path(__file__).parent
START_S = 120.0

_ENCRYPTED = """\
listener.name.ssl.ssl.keystore.type=PEM
listener.name.ssl.ssl.keystore.location=${server}
listener.name.ssl.ssl.truststore.type=PEM
listener.name.ssl.ssl.truststore.location=${authority}
listener.name.ssl.ssl.client.auth=required
"""

SASL_USERNAME = "angarium"
SASL_PASSWORD = "not-a-secret"


class KafkaServer:
    """A broker that stays at its address and keeps its data through
    stops, kills and restarts.

    It listens without any security, with a password (SASL_PLAINTEXT,
    mechanism PLAIN), and, when it has certificates, encrypted, for
    clients with a certificate of its own authority (SSL).
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        jvm: Jvm = QUICK_START,
        certificates: "Certificates | None" = None,
    ) -> None:
        """Choose its place; `start` starts it.

        Args:
            folder: For its data, settings and logs.
            port: For the listener without security; a free one when
                None.
            jvm: How Java is run.
            certificates: For the encrypted listener; none without them.
        """
        self.folder = folder
        self._jvm = jvm
        self._port = port or free_port()
        self._sasl_port = free_port()
        self._ssl_port = free_port()
        self._controller_port = free_port()
        self.sasl_password = SASL_PASSWORD
        self.certificates = certificates
        self._runs = 0
        self._process: ServerProcess | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def sasl_address(self) -> str:
        return f"127.0.0.1:{self._sasl_port}"

    @property
    def ssl_address(self) -> str:
        return f"127.0.0.1:{self._ssl_port}"

    @property
    def process(self) -> ServerProcess:
        if self._process is None:
            raise NotReady(f"Kafka in {self.folder} was never started")
        return self._process

    def start(self) -> None:
        """Start it and wait until it takes requests; does nothing when
        it runs.

        Raises:
            NotReady: It does not come up.
        """
        if self._process is not None and self._process.alive:
            self._process.resume()
            return
        classes = str(jars(_HERE / "kafka-pom.xml") / "*")
        properties = self._configure()
        if not (self.folder / "data").exists():
            self._format(classes, properties)
        self._runs += 1
        log = self.folder / f"kafka-{self._runs}.log"
        command = [*self._jvm.command(), "-cp", classes, "kafka.Kafka", str(properties)]
        self._process = ServerProcess("Kafka", command, log, os.environ)
        self._process.wait_until(
            lambda: "Kafka Server started" in log.read_text(errors="replace"), START_S
        )

    def stop(self) -> None:
        """Shut it down in order; safe to repeat."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        self.process.freeze()

    def resume(self) -> None:
        """Let a frozen broker go on."""
        self.process.resume()

    def _configure(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        template = string.Template((_HERE / "server.properties").read_text())
        properties.write_text(
            template.substitute(
                folder=self.folder,
                port=self._port,
                sasl_port=self._sasl_port,
                ssl_listener=self._ssl_listener(),
                controller_port=self._controller_port,
                sasl_username=SASL_USERNAME,
                sasl_password=self.sasl_password,
            )
            + self._ssl_settings()
        )
        return properties

    def _ssl_listener(self) -> str:
        return "" if self.certificates is None else f",SSL://{self.ssl_address}"

    def _ssl_settings(self) -> str:
        if self.certificates is None:
            return ""
        return string.Template(_ENCRYPTED).substitute(
            server=self.certificates.server, authority=self.certificates.authority
        )

    def _format(self, classes: str, properties: Path) -> None:
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = [*QUICK_START.command(), "-cp", classes, "kafka.tools.StorageTool"]
        # In one piece, because it may begin with a dash.
        command = [*tool, "format", f"--cluster-id={identity}", "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise NotReady(f"Kafka's folder could not be formatted: {done.stdout}{done.stderr}")
