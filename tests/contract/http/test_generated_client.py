"""A client that a generator makes of the service's own description, and
a message sent with it.
"""

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

from angarium.api.routes import ROUTES
from tests.contract.http.services import PASSWORD, SERVED, Service, started
from tests.waiting import until

MAX_MODELS = 60
PACKAGE = "generated_angarium_client"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generate a client, and let it be imported for as long as the
    tests last.
    """
    folder = tmp_path_factory.mktemp("generated")
    description = files("angarium.api.endpoints").joinpath("openapi.json")
    (folder / "openapi.json").write_bytes(description.read_bytes())
    # What is generated is checked here, not how it is formatted.
    (folder / "config.yml").write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    made = subprocess.run(
        [
            *command,
            "--path",
            "openapi.json",
            "--output-path",
            PACKAGE,
            "--config",
            "config.yml",
            "--fail-on-warning",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder / PACKAGE


@pytest.fixture(scope="module", params=SERVED)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with started(request, tmp_path_factory) as service:
        yield service


def calls(client: Path) -> Iterator[ModuleType]:
    for file in sorted(client.glob("api/*/*.py")):
        if file.stem != "__init__":
            yield importlib.import_module(f"{PACKAGE}.api.{file.parent.name}.{file.stem}")


def test_it_has_few_models(client: Path) -> None:
    models = list(client.glob("models/*.py"))
    assert 20 <= len(models) < MAX_MODELS


def test_it_has_a_call_for_every_route(client: Path) -> None:
    assert len(list(calls(client))) == len(ROUTES)


def test_every_call_is_typed(client: Path) -> None:
    for call in calls(client):
        signature = inspect.signature(call.sync)
        parts = [
            signature.return_annotation,
            *(each.annotation for each in signature.parameters.values()),
        ]
        for part in map(str, parts):
            assert "Any" not in part, (call.__name__, part)
            assert part != "<class 'inspect._empty'>", call.__name__
        assert "Problem" in str(signature.return_annotation), call.__name__


def test_a_message_is_sent_with_it(client: Path, served: Service) -> None:
    one, other = served.person("client-one"), served.person("client-other")
    package, models = (
        importlib.import_module(PACKAGE),
        importlib.import_module(f"{PACKAGE}.models"),
    )
    identity = importlib.import_module(f"{PACKAGE}.api.identity.issue_token")
    conversations = importlib.import_module(f"{PACKAGE}.api.conversations.open_conversation")
    messages = importlib.import_module(f"{PACKAGE}.api.messages.send_message")

    with package.Client(served.url) as stranger:
        bodies = (
            models.TokenRequest(one.username, PASSWORD),
            models.PasswordGrant(one.username, PASSWORD),
        )
        token, same = (identity.sync(client=stranger, body=body) for body in bodies)
        assert token.user_id == same.user_id == one.user_id
        refused = identity.sync(
            client=stranger, body=models.TokenRequest(one.username, "wrong password")
        )
    assert isinstance(refused, models.Problem)
    assert refused.code is models.Code.INVALID_CREDENTIALS

    with package.AuthenticatedClient(served.url, token.access_token) as caller:
        opened = conversations.sync(client=caller, body=models.OpenConversation([other.user_id]))
        message = models.SendMessage(opened.conversation_id, "Hello from a generated client")
        accepted = messages.sync(client=caller, body=message)
        assert isinstance(accepted, models.Accepted)
        assert accepted.conversation_id == opened.conversation_id
        empty = messages.sync(client=caller, body=models.SendMessage(opened.conversation_id, " "))
    assert isinstance(empty, models.Problem)
    assert empty.code is models.Code.EMPTY_CONTENT
    path = f"/v1/conversations/{accepted.conversation_id}/messages/{accepted.message_id}"
    until(lambda: other.client.get(path).status == 200, "storing the message")
    assert other.client.get(path).at("content") == "Hello from a generated client"
