import pytest

from angarium.api.interface import BodyRule, ExecutionMode
from angarium.api.routes import ROUTES, TABLE


def matched(path: str) -> tuple[str, dict[str, str]] | None:
    found = TABLE.match(path)
    return None if found is None else (found[0].template, dict(found[1]))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_every_route_is_found_at_its_path(route: object) -> None:
    template = getattr(route, "template", "")
    path = template.replace("{conversation_id}", "c-1").replace("{message_id}", "m-1")
    found = matched(path)
    assert found is not None
    assert found[0] == template


def test_parameters_are_percent_decoded_one_segment_at_a_time() -> None:
    assert matched("/v1/conversations/%61%2Fb/messages/%C3%BC") == (
        "/v1/conversations/{conversation_id}/messages/{message_id}",
        {"conversation_id": "a/b", "message_id": "ü"},
    )


def test_a_percent_encoded_letter_is_the_letter() -> None:
    assert matched("/v1/%75sers/me") == ("/v1/users/me", {})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "*",
        "v1/users",
        "/v1",
        "/v1/",
        "/v1/users/",
        "/v1/users/me/",
        "//v1/users",
        "/v1//users",
        "/V1/users",
        "/v1/users/me/x",
        "/v1/conversations/",
        "/v1/conversations//messages",
        "/v1/conversations/c/messages/",
        "/v1/conversations/c/messages/m/delivered/",
        "/v1/conversations/c/unknown",
        "/v1/users%2Fme",
        "/v1/./users",
        "/health",
    ],
)
def test_nothing_is_at_any_other_path(path: str) -> None:
    assert matched(path) is None


def test_head_goes_where_get_goes_and_allow_says_so() -> None:
    found = TABLE.match("/v1/conversations")
    assert found is not None
    resource, _ = found
    assert resource.routes["HEAD"] is resource.routes["GET"]
    assert resource.allow == "GET, HEAD, POST, OPTIONS"


def test_a_path_that_only_takes_posts_says_so() -> None:
    found = TABLE.match("/v1/messages")
    assert found is not None
    assert found[0].allow == "POST, OPTIONS"


def test_only_the_login_the_health_and_the_documents_want_no_token() -> None:
    assert {route.template for route in ROUTES if not route.wants_token} == {
        "/auth/token",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/problems",
    }


def test_a_send_runs_inline_and_a_login_among_the_hashes() -> None:
    lanes = {(route.method, route.template): route.mode for route in ROUTES}
    assert lanes["POST", "/v1/messages"] is ExecutionMode.INLINE
    assert lanes["POST", "/auth/token"] is ExecutionMode.HASHING
    assert lanes["GET", "/health/ready"] is ExecutionMode.HEALTH


def test_no_get_wants_a_body() -> None:
    assert all(route.body_rule is BodyRule.NONE for route in ROUTES if route.method == "GET")


def test_health_checks_are_outside_the_bound_on_requests_in_hand() -> None:
    lanes = {
        route.template: route.mode for route in ROUTES if route.template.startswith("/health/")
    }
    assert lanes == {"/health/live": ExecutionMode.LIVENESS, "/health/ready": ExecutionMode.HEALTH}
