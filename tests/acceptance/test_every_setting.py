"""Every setting reaches what it is for: real services that run with
other values than the defaults.

What only Kafka and Cassandra take is in
`tests/unit/wiring/test_distributed_settings.py`.
"""

import base64
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from angarium.config import Settings
from tests.acceptance.caller import Answer, Caller, conversation_id
from tests.acceptance.service import PATIENCE, Service, run_cli, until
from tests.fakes.raw_client import RawClient, get, post

SECRET = "a secret of this test, 32 bytes or more"
PASSWORD = "a good one"
PAGE = "https://chat.example.org"
ELSEWHERE = Path(__file__).parents[1] / "unit" / "wiring" / "test_distributed_settings.py"

TUNED = {
    "ANGARIUM_HOST": "127.0.0.2",
    "ANGARIUM_PARTITIONS": "3",
    "ANGARIUM_GROUP": "readers",
    "ANGARIUM_JWT_SECRET": SECRET,
    "ANGARIUM_JWT_ISSUER": "https://id.example.org",
    "ANGARIUM_JWT_AUDIENCE": "chat-clients",
    "ANGARIUM_TOKEN_TTL": "1234",
    "ANGARIUM_LOGIN_ATTEMPTS": "2",
    "ANGARIUM_LOGIN_WINDOW": "6000",
    "ANGARIUM_TRUSTED_PROXIES": "::ffff:127.0.0.0/104",
    "ANGARIUM_CORS_ORIGINS": PAGE,
    "ANGARIUM_IDLE_TIMEOUT": "1",
    "ANGARIUM_REQUEST_TIMEOUT": "1",
    "ANGARIUM_PRESENCE_WINDOW": "0.5",
    "ANGARIUM_PAGE": "1",
    "ANGARIUM_LOG_LEVEL": "WARNING",
    "ANGARIUM_LOG_FORMAT": "text",
}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service on which nearly nothing is as by default, with the
    users erin, frank and grace.
    """
    folder = tmp_path_factory.mktemp("tuned")
    users = folder / "users.json"
    users.write_text(
        json.dumps(
            [{"username": name, "password": PASSWORD} for name in ("erin", "frank", "grace")]
        )
    )
    with closing(socket.create_server(("127.0.0.2", 0))) as free:
        port = str(free.getsockname()[1])
    where = {"ANGARIUM_PORT": port, "ANGARIUM_DATA": str(folder / "elsewhere")}
    service = Service(folder, **TUNED, **where, ANGARIUM_USERS=str(users))
    try:
        yield service.start()
    finally:
        service.close()


@contextmanager
def person(service: Service, name: str) -> Iterator[Caller]:
    """Somebody who is logged in for the length of a block."""
    with Caller(service.url) as caller:
        yield caller.log_in(name, PASSWORD)


def log_in(service: Service, password: str, address: str) -> Answer:
    body = {"username": "erin", "password": password}
    with Caller(service.url) as caller:
        return caller.call("POST", "/auth/token", body, {"X-Forwarded-For": address})


def claims_of(token: str) -> Mapping[str, object]:
    claims: Mapping[str, object] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def rows(service: Service, query: str) -> list[tuple[object, ...]]:
    database = Path(service.settings["ANGARIUM_DATA"]) / "angarium.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_every_setting_has_a_case() -> None:
    written = Path(__file__).read_text() + ELSEWHERE.read_text()
    # A name in the two tables above and there is no case yet: it must
    # be looked at below.
    cases = re.sub(r"^ +\"ANGARIUM_\w+\": .*$", "", written, flags=re.MULTILINE)
    looked_at = set(re.findall(r"ANGARIUM(?:_[A-Z]+)+", cases))
    missing = {shown.name for shown in Settings.from_env({}).shown} - looked_at
    assert missing == set(), "show that each reaches what it is for"


def test_ANGARIUM_HOST_and_ANGARIUM_PORT_are_where_it_listens(tuned: Service) -> None:  # noqa: N802
    assert tuned.url == f"http://{TUNED['ANGARIUM_HOST']}:{tuned.settings['ANGARIUM_PORT']}"


def test_ANGARIUM_DATA_is_where_everything_lies(tuned: Service) -> None:  # noqa: N802
    assert (Path(tuned.settings["ANGARIUM_DATA"]) / "angarium.db").exists()


def test_ANGARIUM_USERS_are_the_users(tuned: Service) -> None:  # noqa: N802
    with person(tuned, "erin") as erin:
        assert erin.call("GET", "/v1/users", username="frank").status == 200
        assert erin.call("GET", "/v1/users", username="alice").status == 404


def test_tokens_have_ANGARIUM_JWT_SECRET_and_ANGARIUM_JWT_ISSUER_and_ANGARIUM_JWT_AUDIENCE(  # noqa: N802
    tuned: Service,
) -> None:
    with person(tuned, "erin") as erin:
        signed, _, signature = erin.token.rpartition(".")
        expected = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
        assert base64.urlsafe_b64decode(signature + "=") == expected
        claims = claims_of(erin.token)
        assert (claims["iss"], claims["aud"]) == ("https://id.example.org", "chat-clients")


def test_a_token_is_good_for_ANGARIUM_TOKEN_TTL(tuned: Service) -> None:  # noqa: N802
    answer = log_in(tuned, PASSWORD, "192.0.2.99")
    assert answer.body["expires_in"] == 1234
    claims = claims_of(answer.text("access_token"))
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 1234


def test_failed_logins_are_counted_by_client_and_for_a_while(tuned: Service) -> None:
    """ANGARIUM_TRUSTED_PROXIES, ANGARIUM_LOGIN_ATTEMPTS,
    ANGARIUM_LOGIN_WINDOW.
    """
    assert [log_in(tuned, "wrong", "192.0.2.1").status for _ in range(3)] == [401, 401, 429]
    refused = log_in(tuned, PASSWORD, "192.0.2.1")
    assert refused.status == 429
    assert 60 < int(refused.headers["retry-after"]) <= 6000
    assert log_in(tuned, PASSWORD, "192.0.2.2").status == 200, "another client of the same proxy"


def test_the_pages_of_ANGARIUM_CORS_ORIGINS_may_call(tuned: Service) -> None:  # noqa: N802
    with RawClient(tuned.url) as client:
        answer = client.ask(get("/health/live", f"Origin: {PAGE}"))
    assert answer.headers["access-control-allow-origin"] == PAGE


def test_ANGARIUM_PAGE_serves_the_page_which_knows_nobody_but_demo_users(tuned: Service) -> None:  # noqa: N802
    with RawClient(tuned.url) as client:
        assert client.ask(get("/")).headers["content-type"] == "text/html; charset=utf-8"
        told = client.ask(get("/page/settings.js")).body
    assert told == b'export default {"users": [], "presence_window_s": 0.5};\n'


def test_an_idle_connection_is_kept_for_ANGARIUM_IDLE_TIMEOUT(tuned: Service) -> None:  # noqa: N802
    with RawClient(tuned.url) as client:
        client.ask(get("/health/live"))
        began = time.monotonic()
        assert client.closed()
        assert time.monotonic() - began < 60, "the default"


def test_a_request_may_take_ANGARIUM_REQUEST_TIMEOUT(tuned: Service) -> None:  # noqa: N802
    def seconds_to_the_refusal() -> float:
        with RawClient(tuned.url) as client:
            began = time.monotonic()
            assert client.ask(b"GET /health/live HTTP/1.1\r\n").status == 408
            return time.monotonic() - began

    # The default never refuses sooner than after 10 s, however busy the
    # machine is.
    assert any(seconds_to_the_refusal() < 10 for _ in range(5))


def test_somebody_counts_as_online_for_ANGARIUM_PRESENCE_WINDOW(tuned: Service) -> None:  # noqa: N802
    # Grace is in no other test: a refresh of an older sighting would be
    # left out.
    began = time.monotonic()
    with person(tuned, "grace"), person(tuned, "frank") as frank:
        conversation = frank.open_conversation("grace")

        def is_pending() -> bool:
            with person(tuned, "frank") as sender:
                assert sender.send(conversation, "are you there?").status == 202
                stored = sender.history(conversation)
            return any(message["status"] == "PENDING" for message in stored)

        until(is_pending, "a message that found grace offline")
        assert time.monotonic() - began < 30, "the default"
    assert conversation == conversation_id("frank", "grace")


def test_what_was_applied_is_noted_under_ANGARIUM_GROUP(tuned: Service) -> None:  # noqa: N802
    with person(tuned, "frank") as frank:
        assert frank.send(frank.open_conversation("erin"), "hello").status == 202
    query = "SELECT DISTINCT consumer_group FROM log_positions"
    until(lambda: rows(tuned, query) == [("readers",)], "a position of the group")


def test_the_log_has_ANGARIUM_PARTITIONS(tuned: Service) -> None:  # noqa: N802
    data = tuned.settings["ANGARIUM_DATA"]
    other = run_cli("users", ANGARIUM_DATA=data, ANGARIUM_PARTITIONS="4")
    assert other.returncode == 2
    assert "3 partitions" in other.stderr
    assert run_cli("users", ANGARIUM_DATA=data, ANGARIUM_PARTITIONS="3").returncode == 0


def test_only_ANGARIUM_LOG_LEVEL_is_written_in_ANGARIUM_LOG_FORMAT(tuned: Service) -> None:  # noqa: N802
    log_in(tuned, "wrong", "192.0.2.3")
    until(lambda: "login_refused" in tuned.log_path.read_text(), "a warning")
    text = tuned.log_path.read_text()
    assert "started" not in text, "which is no warning"
    assert not any(line.startswith("{") for line in text.splitlines())


def test_the_clients_talk_to_ANGARIUM_URL(tuned: Service, tmp_path: Path) -> None:  # noqa: N802
    config = str(tmp_path)
    done = run_cli(
        "login", "frank", stdin=f"{PASSWORD}\n", ANGARIUM_URL=tuned.url, XDG_CONFIG_HOME=config
    )
    assert done.stdout.startswith(f"frank is logged in at {tuned.url}"), done.stderr


@pytest.mark.parametrize("setting", ["ANGARIUM_HOST", "ANGARIUM_PUBLISHED_HOST"])
def test_what_everybody_knows_is_refused_by_the_address_that_others_reach(
    setting: str, folder: Path
) -> None:
    settings = {"ANGARIUM_DATA": str(folder / "data"), setting: "192.0.2.7"}
    refused = run_cli("serve", stdin="", patience=PATIENCE, **settings)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"angarium: {setting} ")
    assert not (folder / "data").exists()


def statuses(url: str, asked: bytes, count: int) -> set[int]:
    """Send one request several times at once, each on a connection of
    its own.
    """
    clients = [RawClient(url) for _ in range(count)]
    try:
        for client in clients:
            client.send(asked)
        return {client.answer().status for client in clients}
    finally:
        for client in clients:
            client.close()


def test_applied_records_stay_for_ANGARIUM_RETENTION(folder: Path) -> None:  # noqa: N802
    service = Service(folder, ANGARIUM_RETENTION="1")
    try:
        with Caller(service.start().url) as alice:
            alice.log_in("alice")
            assert alice.send(alice.open_conversation("bob"), "soon stored only").status == 202
        until(lambda: rows(service, "SELECT count(*) FROM messages") == [(1,)], "it is stored")
        until(lambda: rows(service, "SELECT count(*) FROM log") == [(0,)], "an empty log")
    finally:
        service.close()


def test_with_demo_users_others_are_served_within_bounds(folder: Path) -> None:
    """ANGARIUM_DEMO, ANGARIUM_MAX_INFLIGHT, ANGARIUM_MAX_LOGINS."""
    bounds = {"ANGARIUM_MAX_INFLIGHT": "1", "ANGARIUM_MAX_LOGINS": "1"}
    service = Service(folder, ANGARIUM_HOST="0.0.0.0", ANGARIUM_DEMO="1", **bounds)
    try:
        service.start()
        here = f"http://127.0.0.1:{urlsplit(service.url).port}"
        with Caller(here) as alice:
            token = alice.log_in("alice").token
        listed = get("/v1/conversations", f"Authorization: Bearer {token}")
        until(lambda: 503 in statuses(here, listed, 8), "a request that found another one in hand")
        # By default three of one address may wait.
        login = post("/auth/token", b'{"username": "alice", "password": "alice-demo"}')
        until(
            lambda: statuses(here, login, 3) == {200, 503},
            "a login that found another one waiting",
        )
    finally:
        service.close()
