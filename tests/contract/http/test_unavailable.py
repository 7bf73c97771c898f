"""What docs/http.md says of a log or a store that does not answer, and
of faults of the service itself.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest

from angarium.api.interface import ExecutionMode
from angarium.api.routes import ROUTES, Route
from angarium.domain.errors import LogUnavailable, RecordTooLarge, StoreUnavailable
from angarium.domain.message import Message, MessagePosition, Status
from angarium.services.store_retry import StoreRetry
from tests.contract.http.client import Answer, Person, Talk, refused
from tests.contract.http.in_process import InProcess
from tests.contract.http.parts import application
from tests.contract.http.services import PASSWORD, Service, memory_parts
from tests.fakes.log import MemoryLog
from tests.faults import Faults

TRACE = "0af7651916cd43dd8448eb211c80319c"
CONVERSATION = "/v1/conversations/{conversation_id}"
SECRET_WORDS = "host=10.1.2.3 password=hunter2"
GUARDED_BY_STORE = [
    route
    for route in ROUTES
    if route.mode is ExecutionMode.STORE or route.template in ("/v1/messages", "/auth/token")
]


@dataclass(frozen=True, slots=True)
class FailingService:
    """A service whose log and store fail on demand.

    Attributes:
        service: It.
        memory: The log behind the faults.
        log: What goes wrong with the log.
        store: What goes wrong with the store.
        signer: What goes wrong with the tokens.
    """

    service: Service
    memory: MemoryLog
    log: Faults
    store: Faults
    signer: Faults

    def records(self) -> int:
        return len(self.memory.records())

    def restarted(self) -> Service:
        """The same, with nothing remembered."""
        return started(self.service)


def started(service: Service) -> Service:
    impatient = StoreRetry(at_most_s=0.05)
    return replace(
        service, transport=InProcess(application(service.parts, impatient), patience=0.05)
    )


@pytest.fixture
def failing() -> FailingService:
    parts = memory_parts()
    memory = parts.log
    assert isinstance(memory, MemoryLog)
    log, store, signer = Faults(LogUnavailable), Faults(StoreUnavailable), Faults(RuntimeError)
    parts = replace(
        parts,
        log=log.around(parts.log),
        users=store.around(parts.users),
        conversations=store.around(parts.conversations),
        reader=store.around(parts.reader),
        signer=signer.around(parts.signer),
    )
    service = Service(InProcess(application(parts)), parts, parts.hasher.hash(PASSWORD))
    return FailingService(started(service), memory, log, store, signer)


@pytest.fixture
def talk(failing: FailingService) -> Talk:
    return open_talk(failing.service)


def open_talk(service: Service) -> Talk:
    alice, bob = service.person("alice"), service.person("bob")
    opened = alice.client.post("/v1/conversations", {"participant_ids": [str(bob.user_id)]})
    return Talk(opened.text("conversation_id"), alice, bob)


def unavailable(answer: Answer, code: str) -> None:
    assert refused(answer) == (503, code)
    assert int(answer.headers.get("retry-after") or "0") >= 1


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields


def lines(caplog: pytest.LogCaptureFixture, action: str) -> list[Mapping[str, object]]:
    found = [record for record in caplog.records if getattr(record, "action", None) == action]
    return [fields_of(record) for record in found]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_send_that_the_log_does_not_take_is_503_with_the_message_id(
    failing: FailingService, talk: Talk, at_once: bool
) -> None:
    failing.log.fail("append", at_once=at_once)
    answer = talk.send("a")
    unavailable(answer, "log_unavailable")
    retried = talk.send("a", message_id=answer.text("message_id"))
    assert retried.status == 202
    assert retried.at("message_id") == answer.at("message_id")


def test_the_clients_own_id_is_the_one_in_the_503(failing: FailingService, talk: Talk) -> None:
    message_id = str(uuid4())
    failing.log.fail("append")
    assert talk.send("a", message_id=message_id.upper()).at("message_id") == message_id


def test_a_send_that_the_log_never_answers_is_503_with_the_message_id_and_a_log_line(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    held = failing.log.hang("append")
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    answer = talk.one.client.post("/v1/messages", document, [("X-Trace-Id", TRACE)])
    unavailable(answer, "log_unavailable")
    [line] = lines(caplog, "log_unavailable")
    assert line["trace_id"] == TRACE
    assert line["conversation_id"] == talk.conversation_id
    assert line["message_id"] == answer.at("message_id")
    held.release()


def test_a_failed_send_leaves_a_log_line_with_its_ids(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    failing.log.fail("append")
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    answer = talk.one.client.post("/v1/messages", document, [("X-Trace-Id", TRACE)])
    [line] = lines(caplog, "log_unavailable")
    assert line["trace_id"] == TRACE
    assert line["message_id"] == answer.at("message_id")


@pytest.mark.parametrize("hanging", [True, False])
def test_a_receipt_that_the_log_does_not_take_is_503(
    failing: FailingService, talk: Talk, hanging: bool
) -> None:
    message_id = store_message(failing, talk)
    if hanging:
        failing.log.hang("append")
    else:
        failing.log.fail("append")
    answer = talk.other.client.post(f"{talk.path}/messages/{message_id}/delivered")
    unavailable(answer, "log_unavailable")
    assert "message_id" not in answer.document()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_message_that_the_log_is_too_small_for_is_413_and_told_with_its_ids(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture, at_once: bool
) -> None:
    """The same again would be refused again, so that nothing says when
    to try it.
    """
    failing.log.fail("append", error=RecordTooLarge(SECRET_WORDS), at_once=at_once)
    message_id = str(uuid4())
    answer = talk.send("a", message_id=message_id)
    assert refused(answer) == (413, "content_too_large")
    assert answer.headers.get("retry-after") is None
    assert SECRET_WORDS not in str(answer.document())
    [line] = lines(caplog, "record_too_large")
    assert (line["message_id"], line["reason"]) == (message_id, SECRET_WORDS)
    assert lines(caplog, "log_unavailable") == []
    assert failing.records() == 0


def test_a_receipt_that_the_log_is_too_small_for_is_413(
    failing: FailingService, talk: Talk
) -> None:
    message_id = store_message(failing, talk)
    failing.log.fail("append", error=RecordTooLarge("too large"))
    answer = talk.other.client.post(f"{talk.path}/messages/{message_id}/delivered")
    assert refused(answer) == (413, "body_too_large")


def store_message(failing: FailingService, talk: Talk) -> str:
    conversation_id, message_id = UUID(talk.conversation_id), uuid4()
    message = Message(
        message_id,
        conversation_id,
        talk.one.user_id,
        talk.other.user_id,
        "a",
        MessagePosition(1, 0),
        Status.SENT,
    )
    failing.service.parts.message_writer.record(conversation_id, [message]).result(10)
    return str(message_id)


def request_to(route: Route, caller: Person, talk: Talk) -> Answer:
    """Send a request that would succeed as far as its fields go."""
    documents: Mapping[str, object] = {
        "/auth/token": {"username": caller.username, "password": caller.password},
        "/v1/conversations": {"participant_ids": [str(talk.other.user_id)]},
        "/v1/messages": {"conversation_id": talk.conversation_id, "content": "a"},
        f"{CONVERSATION}/receipts": {"status": "DELIVERED", "message_ids": [str(uuid4())]},
    }
    ids = {
        "conversation_id": talk.conversation_id,
        "message_id": uuid4(),
        "user_id": talk.other.user_id,
    }
    path = route.template.format(**ids)
    if route.method == "GET":
        return caller.client.get(f"{path}?username=alice" if path == "/v1/users" else path)
    return caller.client.post(path, documents.get(route.template))


@pytest.mark.parametrize(
    "route", GUARDED_BY_STORE, ids=lambda route: f"{route.method} {route.template}"
)
def test_whatever_needs_the_store_is_503_without_it(
    failing: FailingService, talk: Talk, route: Route, caplog: pytest.LogCaptureFixture
) -> None:
    alice = failing.restarted().person("alice")
    failing.store.outage()
    answer = request_to(route, alice, talk)
    unavailable(answer, "store_unavailable")
    assert failing.records() == 0
    (line,) = lines(caplog, "store_unavailable")
    assert line["trace_id"] == answer.headers.get("x-trace-id")
    assert line["reason"]


def test_an_outage_is_told_once_in_a_while_however_many_requests_it_meets(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = talk.one.client
    failing.store.outage()
    failing.log.outage()
    for _ in range(5):
        for path in ("/v1/conversations", f"{talk.path}/messages", "/v1/inbox", "/health/ready"):
            assert client.get(path).status == 503
        assert talk.send("a").status == 503
    told = [str(getattr(record, "action", "")) for record in caplog.records]
    assert [told.count(f"{part}_unavailable") for part in ("log", "store")] == [1, 1]
    assert told.count("retry") == 1
    assert len(told) <= 5


def test_a_store_that_answers_the_second_time_is_not_noticed(
    failing: FailingService, talk: Talk
) -> None:
    service = replace(failing.service, transport=InProcess(application(failing.service.parts)))
    failing.store.fail("of_user", times=1)
    assert service.person("alice").client.get("/v1/conversations").status == 200


def test_a_send_in_a_known_conversation_does_not_need_the_store(
    failing: FailingService, talk: Talk
) -> None:
    failing.store.outage()
    assert talk.send("a").status == 202


def test_a_send_in_an_unknown_conversation_publishes_nothing_without_the_store(
    failing: FailingService, talk: Talk
) -> None:
    alice = failing.restarted().person("alice")
    failing.store.outage()
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    unavailable(alice.client.post("/v1/messages", document), "store_unavailable")
    assert failing.records() == 0


def test_a_service_without_its_store_is_not_ready(failing: FailingService) -> None:
    failing.store.outage()
    answer = failing.service.stranger().get("/health/ready")
    assert answer.status == 503
    assert answer.headers.get("content-type") == "application/json"
    assert answer.at("status") == "unavailable"
    assert answer.at("checks", "store", "status") == "unavailable"
    assert answer.at("checks", "log", "status") == "ok"


def test_a_service_without_its_log_is_not_ready_but_lives(failing: FailingService) -> None:
    failing.log.outage()
    answer = failing.service.stranger().get("/health/ready")
    assert answer.status == 503
    assert answer.at("checks", "log", "status") == "unavailable"
    assert failing.service.stranger().get("/health/live").status == 200


def test_a_fault_of_the_service_is_500_and_nothing_inside_leaks(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    failing.store.fail("of_user", error=RuntimeError(SECRET_WORDS))
    answer = talk.one.client.get("/v1/conversations", [("X-Trace-Id", TRACE)])
    assert refused(answer) == (500, "internal_error")
    assert b"hunter2" not in answer.body
    [record] = [
        each for each in caplog.records if getattr(each, "action", None) == "internal_error"
    ]
    assert record.levelno == logging.ERROR
    assert fields_of(record)["trace_id"] == TRACE
    assert record.exc_info is not None
    assert SECRET_WORDS in str(record.exc_info[1])


def test_a_fault_of_the_log_is_500_and_nothing_inside_leaks(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    failing.log.fail("append", error=RuntimeError(SECRET_WORDS))
    answer = talk.send("a")
    assert refused(answer) == (500, "internal_error")
    assert b"hunter2" not in answer.body
    [line] = lines(caplog, "internal_error")
    assert line["trace_id"] == answer.headers.get("x-trace-id")


def test_a_fault_before_the_body_is_500_and_nothing_inside_leaks(
    failing: FailingService, talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    failing.signer.fail("verify", error=RuntimeError(SECRET_WORDS))
    carol = failing.service.person("carol")
    answer = carol.client.get("/v1/inbox")
    assert refused(answer) == (500, "internal_error")
    assert b"hunter2" not in answer.body
    assert lines(caplog, "internal_error")
