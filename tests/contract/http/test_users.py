"""docs/http.md, "GET /v1/users/me · GET /v1/users · GET
/v1/users/{user_id}".
"""

from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.contract.http.client import Person, refused
from tests.contract.http.services import Service


def test_a_caller_learns_who_they_are(alice: Person) -> None:
    answer = alice.client.get("/v1/users/me")
    assert answer.status == 200
    assert set(answer.document()) == {"user_id", "username", "created_at"}
    assert answer.at("user_id") == str(alice.user_id)
    assert answer.at("username") == alice.username


def test_a_name_is_turned_into_a_user(alice: Person, bob: Person) -> None:
    answer = alice.client.get(f"/v1/users?username={bob.username}")
    assert answer.status == 200
    assert answer.at("user_id") == str(bob.user_id)
    assert answer.document() == bob.client.get("/v1/users/me").document()


@pytest.mark.parametrize("name", ["nobody", "", "Alice", "a b", "ü", "a" * 1000, "%00"])
def test_an_unknown_name_is_404(alice: Person, name: str) -> None:
    assert refused(alice.client.get(f"/v1/users?username={quote(name)}")) == (
        404,
        "user_not_found",
    )


@pytest.mark.parametrize("query", ["", "?", "?name=bob", "?Username=bob"])
def test_without_a_name_a_parameter_is_missing(alice: Person, query: str) -> None:
    assert refused(alice.client.get(f"/v1/users{query}")) == (400, "missing_parameter")


def test_a_name_twice_is_an_invalid_field(alice: Person) -> None:
    answer = alice.client.get("/v1/users?username=a&username=b")
    assert refused(answer) == (400, "invalid_field")
    assert "errors" not in answer.document()  # no second one


def test_an_id_is_turned_into_the_same_user(alice: Person, bob: Person) -> None:
    for text in (str(bob.user_id), str(bob.user_id).upper()):
        answer = alice.client.get(f"/v1/users/{text}")
        assert answer.status == 200
        assert answer.document() == bob.client.get("/v1/users/me").document()


def test_an_id_of_nobody_is_404(alice: Person) -> None:
    assert refused(alice.client.get(f"/v1/users/{uuid4()}")) == (404, "user_not_found")


@pytest.mark.parametrize("text", ["alice", "Me", "01890a5dac96774bbcceb302099a8057", "%00"])
def test_an_id_that_is_no_uuid_is_invalid(alice: Person, text: str) -> None:
    assert refused(alice.client.get(f"/v1/users/{text}")) == (400, "invalid_user_id")


def test_a_user_added_while_the_service_runs_is_seen_at_once(
    service: Service, alice: Person
) -> None:
    assert alice.client.get("/v1/users?username=latecomer").status == 404
    service.person("latecomer")
    assert alice.client.get("/v1/users?username=latecomer").status == 200
