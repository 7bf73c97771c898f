"""The client of people and messages, on a fake server."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

import angarium
from angarium import Client, RequestFailed
from angarium.client import people
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import START, conversation_of, id_of

GONE = Fault("/v1/messages", "drop")
MESSAGE_ID = UUID("9f0cd0f4-2b5c-4c51-8d8c-0d3b9d5c8d5c")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def alice(server: FakeServer) -> Iterator[Client]:
    with Client(server.url, patience_s=10.0) as client:
        yield client.login("alice", "alice-demo")


@pytest.fixture
def bob(server: FakeServer) -> Iterator[Client]:
    with Client(server.url, patience_s=10.0) as client:
        yield client.login("bob", "bob-demo")


def test_login_gives_the_client_itself_and_keeps_what_it_got(server: FakeServer) -> None:
    with Client(f"{server.url}/") as client:
        assert client.username == ""
        assert client.login("alice", "alice-demo") is client
        assert (client.username, client.url) == ("alice", server.url)
        assert client.token is not None
        token = client.token.access_token
    with Client(server.url) as again:
        assert again.use_token("alice", token).send("bob", "hi").message_id


def test_a_wrong_password_and_an_unknown_user_are_told_by_their_code(
    server: FakeServer, alice: Client
) -> None:
    with pytest.raises(RequestFailed) as refused, Client(server.url) as client:
        client.login("alice", "guess")
    assert (refused.value.code, refused.value.status) == ("invalid_credentials", 401)
    assert refused.value.trace_id == "ab"
    with pytest.raises(RequestFailed) as unknown:
        alice.send("erin", "hi")
    assert (unknown.value.code, unknown.value.status) == ("user_not_found", 404)
    assert unknown.value.detail == "There is no user 'erin'"


def test_an_expired_token_is_told_by_its_code_and_a_login_mends_it(
    server: FakeServer, alice: Client
) -> None:
    body = '{"code":"expired_token","detail":"Expired.","trace_id":"ab"}'
    server.faults.append(Fault("/v1/inbox", status=401, body=body))
    with pytest.raises(RequestFailed) as expired:
        list(alice.inbox())
    assert (expired.value.code, expired.value.status) == ("expired_token", 401)
    assert list(alice.login("alice", "alice-demo").inbox()) == []


def test_a_server_that_is_not_there_has_a_code_too() -> None:
    with pytest.raises(RequestFailed) as away:
        Client("http://127.0.0.1:1", patience_s=0).login("alice", "alice-demo")
    assert (away.value.code, away.value.status) == ("server_unreachable", None)
    assert away.value.retryable


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "127.0.0.1", "ftp://x", "http://", "http://x:0", "http://x:y"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a server's address; write one such as http://"):
        Client(url)


@pytest.mark.parametrize("kind", ["drop", "swallow", "answer"])
def test_a_send_is_repeated_with_its_id_until_there_is_an_answer(
    kind: str, server: FakeServer, alice: Client
) -> None:
    server.faults.extend(Fault("/v1/messages", kind) for _ in range(3))
    accepted = alice.send("bob", "once", message_id=MESSAGE_ID)
    assert accepted.message_id == str(MESSAGE_ID)
    assert [said.content for said in server.service.messages] == ["once"]
    assert set(server.service.sent_ids) == {str(MESSAGE_ID)}


def test_a_send_without_an_id_gets_one_of_its_own(server: FakeServer, alice: Client) -> None:
    ids = {alice.send("bob", "hi").message_id for _ in range(3)}
    assert len(ids) == len(server.service.messages) == 3


def test_a_send_that_gets_no_answer_tells_the_id_to_go_on_with(server: FakeServer) -> None:
    with Client(server.url, patience_s=0) as alice:
        alice.login("alice", "alice-demo")
        alice.conversation_id("bob")
        server.faults.append(Fault("/v1/messages", "answer"))
        with pytest.raises(RequestFailed) as unanswered:
            alice.send("bob", "once")
        failed = unanswered.value
        assert failed.message_id
        assert any(failed.message_id in note for note in failed.__notes__)
        assert alice.send("bob", "once", failed.message_id).message_id == failed.message_id
        body = '{"code":"content_too_large","detail":"Too large.","trace_id":"ab"}'
        server.faults.append(Fault("/v1/messages", status=413, body=body))
        with pytest.raises(RequestFailed) as refused:
            alice.send("bob", "refused for good")
        assert refused.value.message_id == ""


def test_people_are_looked_up_once(
    server: FakeServer, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        alice.send("bob", "hi")
    lookups = [each for each in server.requests if "/v1/users?" in each or "conversations" in each]
    assert len(lookups) == 2
    monkeypatch.setattr(people, "MAX_KNOWN", 1)
    for name in ("carol", "bob", "carol"):
        alice.send(name, "hi")
    assert len(alice._people._conversations) == len(alice._people._user_ids) == 1


def test_history_is_the_whole_conversation_oldest_first(server: FakeServer, alice: Client) -> None:
    pairs = [("alice", "bob"), ("bob", "alice")]
    for number in range(250):
        server.service.say(*pairs[number % 2], f"n{number}")
    messages = list(alice.history("bob"))
    assert [message.text for message in messages] == [f"n{number}" for number in range(250)]
    assert [message.sender for message in messages[:2]] == ["alice", "bob"]
    first = messages[0]
    assert (first.sender_id, first.timestamp, first.status) == (id_of("alice"), START, "SENT")
    assert first.conversation_id == conversation_of("alice", "bob")
    assert first.delivered_at is None
    newest = [message.text for message in alice.history("bob", limit=120)]
    assert newest == [f"n{number}" for number in range(130, 250)]


def test_since_a_moment_has_what_was_sent_in_that_very_moment(
    server: FakeServer, alice: Client
) -> None:
    for number in range(3):
        server.service.say("bob", "alice", f"n{number}")

    def texts(since: datetime) -> list[str]:
        return [message.text for message in alice.history("bob", since=since)]

    assert texts(START + timedelta(seconds=1)) == ["n1", "n2"]
    assert texts(START + timedelta(seconds=1, microseconds=1)) == ["n2"]
    assert texts((START + timedelta(seconds=2)).astimezone().replace(tzinfo=None)) == ["n2"]
    assert texts(datetime(1900, 1, 1, tzinfo=UTC)) == ["n0", "n1", "n2"]
    assert "since_timestamp=0" in server.requests[-1]
    with pytest.raises(ValueError, match="limit or since"):
        list(alice.history("bob", limit=1, since=START))


def test_the_inbox_names_its_senders_and_asks_for_each_once(
    server: FakeServer, alice: Client
) -> None:
    for number in range(130):
        server.service.say("bob" if number % 2 else "carol", "alice", f"n{number}")
    server.service.take(id_of("erin"), id_of("alice"), "c", "who am I?")
    messages = list(alice.inbox())
    assert [message.sender for message in messages[:2]] == ["carol", "bob"]
    assert messages[-1].sender == id_of("erin")
    assert Counter("/v1/users/" in each for each in server.requests)[True] == 3
    assert [message.text for message in alice.inbox(limit=101)] == [f"n{n}" for n in range(101)]


def test_the_inbox_may_be_confirmed_while_it_is_read(server: FakeServer, bob: Client) -> None:
    server.service.say("alice", "bob", "hi")
    server.service.say("carol", "bob", "hi")
    assert [bob.confirm(message) for message in bob.inbox(limit=5)] == [1, 1]
    assert list(bob.inbox()) == []


def test_confirm_takes_whole_histories_in_receipts_of_a_hundred(
    server: FakeServer, alice: Client
) -> None:
    for _ in range(120):
        server.service.say("bob", "alice", "hi")
    server.service.say("alice", "bob", "my own")
    assert alice.confirm(alice.history("bob")) == 120
    assert len(server.service.receipts) == 120
    assert Counter("receipts" in each for each in server.requests)[True] == 2
    assert alice.confirm(alice.history("bob")) == 0
    assert next(alice.history("bob")).is_delivered


def test_follow_has_what_comes_after_the_call_and_nothing_before(
    server: FakeServer, alice: Client
) -> None:
    server.service.say("bob", "alice", "before")
    follow = alice.follow("bob")
    for number in range(150):
        server.service.say("bob", "alice", f"n{number}")
    assert [next(follow).text for _ in range(150)] == [f"n{number}" for number in range(150)]
    alice.send("bob", "mine")
    assert next(follow).sender == "alice"


def test_follow_goes_on_after_an_error_where_it_was(server: FakeServer) -> None:
    alice = Client(server.url, patience_s=0).login("alice", "alice-demo")
    follow = alice.follow("bob")
    server.service.say("bob", "alice", "hi")
    server.faults.append(Fault(f"/v1/conversations/{conversation_of('alice', 'bob')}"))
    with pytest.raises(RequestFailed, match="The log is away"):
        next(follow)
    assert next(follow).text == "hi"
    alice.close()


def test_follow_loses_nothing_when_the_sender_cannot_be_named_at_once(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whom it follows is forgotten: the client talks to many others."""
    monkeypatch.setattr(people, "MAX_KNOWN", 1)
    with Client(server.url, patience_s=0).login("alice", "alice-demo") as alice:
        follow = alice.follow("bob")
        alice.send("carol", "hello")
        server.service.say("bob", "alice", "hi")
        server.faults.append(Fault("/v1/users"))
        with pytest.raises(RequestFailed, match="The log is away"):
            next(follow)
        assert next(follow).text == "hi"


def test_follow_ends_when_nothing_comes_in_time_and_when_it_is_stopped(
    server: FakeServer, alice: Client
) -> None:
    assert list(alice.follow("bob", timeout_s=0.01)) == []
    follow = alice.follow("bob")
    server.service.say("bob", "alice", "one")
    server.service.say("bob", "alice", "two")
    assert next(follow).text == "one"
    follow.stop()
    assert list(follow) == []
    waiting = alice.follow("bob")
    thread = threading.Thread(target=lambda: list(waiting))
    thread.start()
    waiting.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_follow_can_go_on_behind_a_page(server: FakeServer, alice: Client) -> None:
    server.service.say("bob", "alice", "one")
    (page,) = alice.history_pages("bob")
    server.service.say("bob", "alice", "two")
    assert next(alice.follow("bob", cursor=page.resume_cursor)).text == "two"


def test_any_number_of_threads_share_a_client(server: FakeServer, alice: Client) -> None:
    def send(thread: int) -> None:
        for number in range(10):
            alice.send("bob" if number % 2 else "carol", f"{thread} {number}")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    said = Counter(message.content for message in server.service.messages)
    assert said == {f"{thread} {number}": 1 for thread in range(12) for number in range(10)}
    assert len(server._connections) <= 13, "a thread at a time has a connection of its own"


def test_what_waits_between_two_tries_can_be_told(server: FakeServer) -> None:
    told: list[tuple[str, bool]] = []
    client = Client(
        server.url,
        patience_s=20.0,
        on_retry=lambda failure, left_s: told.append((failure.code, 0 < left_s <= 20)),
    )
    server.faults.append(Fault("/auth/token"))
    client.login("alice", "alice-demo")
    assert told == [("log_unavailable", True)]
    client.close()


def test_a_text_that_has_no_utf_8_is_refused_by_the_server(
    server: FakeServer, alice: Client
) -> None:
    alice.send("bob", "\ud800")
    assert server.service.messages[0].content == "\ud800", "this server takes everything"


def test_the_package_offers_the_client_and_loads_it_only_when_asked() -> None:
    assert set(angarium.__all__) <= set(dir(angarium))
    with pytest.raises(AttributeError, match="has no attribute 'Klient'"):
        angarium.Klient  # type: ignore[attr-defined]  # noqa: B018
    script = (
        "import sys, angarium\n"
        "assert 'angarium.client' not in sys.modules\n"
        "assert 'http.client' not in sys.modules\n"
        "from angarium import Client\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "alien = loaded - sys.stdlib_module_names - {'angarium', '__main__'}\n"
        "alien = {n for n in alien if not n.startswith(('_', 'sitecustomize', 'a1_coverage'))}\n"
        "assert not alien & {'jwt', 'kafka', 'cassandra'}, alien\n"
        "rest = {n for n in sys.modules if n.startswith('angarium.')}\n"
        "assert all(n.startswith(('angarium.client', 'angarium.backoff')) for n in rest), rest\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
