import logging
from dataclasses import replace
from uuid import uuid4

import pytest

from angarium import deadline
from angarium.api.application import MessagingApplication
from angarium.api.interface import (
    Admission,
    DeferredResponse,
    ExecutionMode,
    Head,
    Outcome,
    PasswordCheck,
    Refusal,
    Response,
    ResumeOnLoop,
    WouldBlock,
)
from angarium.api.path_ids import path_ids
from angarium.api.request_headers import Headers
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, LogUnavailable, StoreUnavailable
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.user import Principal
from angarium.logs.line import action_of, fields_of
from angarium.services.store_retry import StoreRetry
from tests.contract.http.parts import LOGIN_ATTEMPTS, Parts, application
from tests.contract.http.services import memory_parts
from tests.faults import Faults

TRACE = "0af7651916cd43dd8448eb211c80319c"
ALICE, BOB = user_id_for("alice"), user_id_for("bob")
CONVERSATION_ID = conversation_id_for(ALICE, BOB)


HOME, OFFICE = "192.0.2.1", "198.51.100.1"


class Bench:
    """An application over engines in memory that can fail, with one
    conversation in the store.
    """

    def __init__(self) -> None:
        parts = memory_parts()
        first, second = sorted((ALICE, BOB), key=str)
        parts.conversations.create(Conversation(CONVERSATION_ID, (first, second), 1), uuid4())
        self.log, self.store = Faults(LogUnavailable), Faults(StoreUnavailable)
        self.parts: Parts = replace(
            parts,
            log=self.log.around(parts.log),
            conversations=self.store.around(parts.conversations),
        )
        self.application: MessagingApplication = application(self.parts)
        self.token = parts.signer.issue(Principal(ALICE, "alice"), parts.clock.now_ms())

    def admit(self, method: str, path: str, body: bytes = b"") -> Admission | Refusal:
        fields = [("Authorization", f"Bearer {self.token}"), ("Content-Length", str(len(body)))]
        return self.application.admit(Head(method, path, "", Headers(fields), "192.0.2.1", TRACE))

    def admitted(self, method: str, path: str, body: bytes = b"") -> Admission:
        admission = self.admit(method, path, body)
        assert isinstance(admission, Admission)
        return admission

    def log_in(self, password: str, address: str = HOME, username: str = "alice") -> Outcome:
        """Begin a login on the server's thread."""
        body = f'{{"username": "{username}", "password": "{password}"}}'.encode()
        fields = [("Content-Length", str(len(body))), ("X-Forwarded-For", address)]
        admission = self.application.admit(
            Head("POST", "/auth/token", "", Headers(fields), "127.0.0.1", TRACE)
        )
        assert isinstance(admission, Admission)
        return self.application.run(admission, body, False)

    def send(self, may_block: bool) -> Outcome:
        body = f'{{"conversation_id": "{CONVERSATION_ID}", "content": "a"}}'.encode()
        admission = self.admitted("POST", "/v1/messages", body)
        return self.application.run(admission, body, may_block)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_admission_says_where_to_run_and_what_was_found(bench: Bench) -> None:
    admission = bench.admitted("GET", f"/v1/conversations/{CONVERSATION_ID}/messages")
    assert admission.template == "/v1/conversations/{conversation_id}/messages"
    assert admission.mode is ExecutionMode.STORE
    assert admission.parameters == {"conversation_id": str(CONVERSATION_ID)}
    assert admission.principal == Principal(ALICE, "alice")


def test_a_refusal_names_its_route_where_there_is_one(bench: Bench) -> None:
    nowhere, wrong = bench.admit("GET", "/nowhere"), bench.admit("DELETE", "/v1/inbox")
    assert isinstance(nowhere, Refusal)
    assert isinstance(wrong, Refusal)
    assert (nowhere.template, nowhere.response.status) == ("unmatched", 404)
    assert (wrong.template, wrong.response.status) == ("/v1/inbox", 405)


def test_options_of_the_server_itself_tells_every_method(bench: Bench) -> None:
    answer = bench.admit("OPTIONS", "*")
    assert isinstance(answer, Refusal)
    assert answer.response.status == 204
    assert answer.response.headers == (("Allow", "GET, HEAD, POST, OPTIONS"),)


def test_a_send_in_an_unknown_conversation_asks_for_a_thread_before_it_asks_the_store(
    bench: Bench,
) -> None:
    assert isinstance(bench.send(may_block=False), WouldBlock)
    assert sum(bench.store.calls.values()) == 0
    assert bench.log.calls["append"] == 0


def test_a_thread_looks_the_conversation_up_and_leaves_the_append_to_the_event_loop(
    bench: Bench,
) -> None:
    """Only the event loop knows whether the client was told to come
    back, without the id that makes that safe.
    """
    rest = bench.send(may_block=True)
    assert isinstance(rest, ResumeOnLoop)
    assert bench.log.calls["append"] == 0
    answer = rest.run()
    assert isinstance(answer, Response)
    assert answer.status == 202


def test_an_append_that_the_event_loop_makes_fails_like_any_other(bench: Bench) -> None:
    rest = bench.send(may_block=True)
    assert isinstance(rest, ResumeOnLoop)
    bench.log.outage()
    answer = rest.run()
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert b"log_unavailable" in answer.body


def test_a_send_in_a_known_conversation_never_blocks(bench: Bench) -> None:
    bench.send(may_block=True)
    bench.store.outage()
    answer = bench.send(may_block=False)
    assert isinstance(answer, Response)
    assert answer.status == 202


def test_a_send_waits_for_its_ack_without_a_thread(bench: Bench) -> None:
    bench.send(may_block=True)
    held = bench.log.hang("append")
    awaiting = bench.send(may_block=False)
    assert isinstance(awaiting, DeferredResponse)
    assert awaiting.timeout_s == 2.0
    assert not awaiting.future.done()
    held.release()
    assert awaiting.future.done()
    assert awaiting.render().status == 202


def test_an_ack_that_never_comes_is_503_with_the_id_of_the_message_that_may_come_yet(
    bench: Bench,
) -> None:
    bench.send(may_block=True)
    held = bench.log.hang("append")
    awaiting = bench.send(may_block=False)
    assert isinstance(awaiting, DeferredResponse)
    late = awaiting.late()
    held.release()
    message_id = dict(awaiting.render().headers)["Location"].rpartition("/")[2]
    assert late.status == 503
    assert message_id.encode() in late.body


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/inbox", Code.STORE_UNAVAILABLE),
        ("POST", "/v1/messages", Code.STORE_UNAVAILABLE),
        ("POST", "/auth/token", Code.OVERLOADED),
    ],
)
def test_a_lane_that_never_answers_is_503_by_its_kind(
    bench: Bench, method: str, path: str, code: Code
) -> None:
    answer = bench.application.late(bench.admitted(method, path))
    assert answer.status == 503
    assert code.encode() in answer.body
    assert ("Retry-After", "1") in answer.headers


def test_a_late_answer_leaves_a_log_line(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.application.late(bench.admitted("GET", "/v1/inbox"))
    [record] = [
        each for each in caplog.records if getattr(each, "action", "") == "store_unavailable"
    ]
    assert getattr(record, "fields", {})["trace_id"] == TRACE


def test_health_checks_that_never_end_are_unavailable_and_no_problem_document(
    bench: Bench,
) -> None:
    answer = bench.application.late(bench.admitted("GET", "/health/ready"))
    assert answer.status == 503
    assert answer.content_type == "application/json"
    assert answer.body == b'{"status":"unavailable","checks":{}}'


def test_a_login_waits_for_its_hash_only_when_it_may_be_tried(bench: Bench) -> None:
    for _ in range(LOGIN_ATTEMPTS):
        check = bench.log_in("wrong")
        assert isinstance(check, PasswordCheck)
        assert check.run().status == 401
    refused = bench.log_in("wrong")
    assert isinstance(refused, Response)
    assert refused.status == 429
    assert isinstance(bench.log_in("wrong", OFFICE), PasswordCheck)


def test_a_login_that_cannot_be_read_waits_for_nothing(bench: Bench) -> None:
    admission = bench.admitted("POST", "/auth/token", b"{}")
    answer = bench.application.run(admission, b"{}", False)
    assert isinstance(answer, Response)
    assert answer.status == 400


def test_a_login_that_was_never_compared_does_not_count(bench: Bench) -> None:
    for _ in range(2 * LOGIN_ATTEMPTS):
        check = bench.log_in("wrong")
        assert isinstance(check, PasswordCheck)
        check.abandon()
    assert isinstance(bench.log_in("wrong"), PasswordCheck)


def test_attempts_in_progress_count_as_if_they_had_failed(bench: Bench) -> None:
    begun = [bench.log_in("wrong") for _ in range(LOGIN_ATTEMPTS)]
    assert all(isinstance(check, PasswordCheck) for check in begun)
    crowded = bench.log_in("wrong")
    assert isinstance(crowded, Response)
    assert crowded.status == 503


def test_an_admission_names_the_client_in_front_of_trusted_proxies(bench: Bench) -> None:
    fields = Headers(
        [("X-Forwarded-For", "203.0.113.9, 198.51.100.1"), ("X-Forwarded-For", "192.0.2.7")]
    )
    admission = bench.application.admit(
        Head("POST", "/auth/token", "", fields, "127.0.0.1", TRACE)
    )
    assert isinstance(admission, Refusal), "no length"
    admission = bench.application.admit(
        Head("GET", "/health/live", "", fields, "127.0.0.1", TRACE)
    )
    assert isinstance(admission, Admission)
    assert admission.client == "192.0.2.7"
    admission = bench.application.admit(
        Head("GET", "/health/live", "", fields, "192.0.2.1", TRACE)
    )
    assert isinstance(admission, Admission)
    assert admission.client == "192.0.2.1", "nobody trusts this one"


def test_failed_logins_are_summed_up_in_the_end(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        check = bench.log_in("wrong", username=f"user{number}")
        assert isinstance(check, PasswordCheck)
        check.run()
    bench.application.report(at_once=True)
    failed = [
        fields_of(record) for record in caplog.records if action_of(record) == "login_refused"
    ]
    assert len(failed) + int(str(failed[-1]["failed"])) - 1 == 20


def test_the_servers_own_faults_are_problem_documents(bench: Bench) -> None:
    for code in (
        Code.MALFORMED_REQUEST,
        Code.REQUEST_TIMEOUT,
        Code.URI_TOO_LONG,
        Code.BODY_TOO_LARGE,
    ):
        answer = bench.application.refuse(code, "what happened", TRACE)
        assert answer.content_type == "application/problem+json"
        assert code.encode() in answer.body
        assert TRACE.encode() in answer.body


def test_an_admission_of_somebody_else_is_a_fault_that_is_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = replace(bench.admitted("GET", "/v1/inbox"), endpoint=object())
    answer = bench.application.run(foreign, b"", True)
    assert isinstance(answer, Response)
    assert answer.status == 500
    [record] = [each for each in caplog.records if getattr(each, "action", "") == "internal_error"]
    assert record.levelno == logging.ERROR


def test_a_guarded_endpoint_without_a_caller_is_a_fault_and_not_somebody_elses_data(
    bench: Bench,
) -> None:
    nobody = replace(bench.admitted("GET", "/v1/inbox"), principal=None)
    answer = bench.application.run(nobody, b"", True)
    assert isinstance(answer, Response)
    assert answer.status == 500


def test_the_store_is_given_two_seconds_in_all(bench: Bench) -> None:
    seen: list[float] = []

    def noting(*_: object) -> bool:
        seen.append(deadline.remaining(60.0))
        return False

    bench.store.fail("get", when=noting)
    patient = application(bench.parts, StoreRetry(at_most_s=60.0))
    patient.run(bench.admitted("GET", f"/v1/conversations/{uuid4()}"), b"", True)
    assert seen
    assert all(left <= 2.0 for left in seen)


def lines_of(caplog: pytest.LogCaptureFixture, action: str) -> list[dict[str, object]]:
    return [
        getattr(record, "fields", {})
        for record in caplog.records
        if getattr(record, "action", "") == action
    ]


@pytest.mark.parametrize("late", [True, False])
def test_the_lines_of_a_call_on_a_conversation_have_its_ids(
    bench: Bench, caplog: pytest.LogCaptureFixture, late: bool
) -> None:
    message_id = uuid4()
    path = f"/v1/conversations/{str(CONVERSATION_ID).upper()}/messages/{message_id}"
    admission = bench.admitted("GET", path)
    bench.store.fail("get", times=1)
    bench.application.run(admission, b"", True)
    bench.store.outage()
    if late:
        bench.application.late(admission)
    else:
        bench.application = application(bench.parts, StoreRetry(at_most_s=0.05))
        bench.application.run(admission, b"", True)
    ids = {
        "trace_id": TRACE,
        "conversation_id": str(CONVERSATION_ID),
        "message_id": str(message_id),
        "user_id": str(ALICE),
    }
    retries, outages = lines_of(caplog, "retry"), lines_of(caplog, "store_unavailable")
    assert retries
    assert outages
    for line in retries + outages:
        assert {name: str(line.get(name)) for name in ids} == ids


def test_the_user_of_a_line_is_the_caller_and_not_the_one_who_was_looked_up(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    admission = bench.admitted("GET", f"/v1/users/{BOB}")
    assert path_ids(admission.parameters) == {}
    bench.application.late(admission)
    (line,) = lines_of(caplog, "store_unavailable")
    assert str(line["user_id"]) == str(ALICE)


def test_what_is_no_id_in_a_path_is_not_written_down(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    admission = bench.admitted("GET", f"/v1/conversations/{CONVERSATION_ID}/messages/s3cret")
    bench.application.late(admission)
    (line,) = lines_of(caplog, "store_unavailable")
    assert str(line["conversation_id"]) == str(CONVERSATION_ID)
    assert "message_id" not in line
    assert "s3cret" not in str(line)
