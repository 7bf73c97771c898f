"""The service's own description: complete, and the same as its
tables.
"""

from collections.abc import Iterator

import pytest

import angarium
from angarium.api.interface import BodyRule
from angarium.api.problem_kinds import KINDS
from angarium.api.problems import type_of
from angarium.api.routes import ROUTES, Route
from angarium.domain.errors import Code
from tests.contract.http.client import Client
from tests.contract.http.described import Json, description, member, members, resolved, validate

METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}
ANYWHERE = {Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED, Code.NOT_IMPLEMENTED}
"""What no route answers: the path or the method has none."""


def operations() -> Iterator[tuple[str, str, Json]]:
    for path, item in members(description(), "paths").items():
        assert isinstance(item, dict)
        for method, operation in item.items():
            if method in METHODS:
                yield path, method.upper(), operation


def described(route: Route) -> Json:
    return members(description(), "paths", route.template, route.method.lower())


def codes_of(operation: Json) -> Iterator[tuple[int, Code]]:
    for status in members(operation, "x-problem-codes"):
        codes = member(operation, "x-problem-codes", status)
        assert isinstance(codes, list)
        yield from ((int(status), Code(code)) for code in codes)


def test_it_is_served_without_a_token(stranger: Client) -> None:
    answer = stranger.get("/openapi.json")
    assert answer.status == 200
    assert answer.headers.get("content-type") == "application/json"
    assert answer.document() == description()
    assert answer.text("openapi").startswith("3.1")


def test_its_version_is_the_packages() -> None:
    assert member(description(), "info", "version") == angarium.__version__


def test_every_status_of_a_problem_has_one_response_that_operations_refer_to() -> None:
    used: dict[str, set[str]] = {}
    for path, method, operation in operations():
        for status, response in members(operation, "responses").items():
            if int(status) >= 400 and (path, status) != ("/health/ready", "503"):
                assert isinstance(response, dict)
                assert set(response) == {"$ref"}, (path, method, status)
                used.setdefault(status, set()).add(response["$ref"])
                media = member(response, "content", "application/problem+json")
                assert isinstance(media, dict)
                assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert {status: len(references) for status, references in used.items()} == dict.fromkeys(
        used, 1
    )
    assert len(used) == len(members(description(), "components", "responses"))


def test_the_statuses_of_an_operation_are_those_of_its_codes() -> None:
    for path, method, operation in operations():
        statuses = {status for status in members(operation, "responses") if int(status) >= 400}
        assert set(members(operation, "x-problem-codes")) == statuses, (path, method)


def test_every_route_is_described_and_the_reverse() -> None:
    assert {(path, method) for path, method, _ in operations()} == {
        (route.template, route.method) for route in ROUTES
    }


def test_every_code_is_described() -> None:
    assert member(description(), "components", "schemas", "Code", "enum") == [
        code.value for code in Code
    ]
    shown = {code.value for code in set(Code) - ANYWHERE}
    assert set(members(description(), "components", "examples")) == shown


def test_what_no_operation_answers_is_told_in_words() -> None:
    words = member(description(), "info", "description")
    assert isinstance(words, str)
    for code in ANYWHERE:
        assert f"{KINDS[code].status} `{code}`" in words


def test_every_code_is_answered_somewhere() -> None:
    answered = {code for _, _, operation in operations() for _, code in codes_of(operation)}
    assert set(Code) - answered == ANYWHERE


@pytest.mark.parametrize("code", sorted(set(Code) - ANYWHERE))
def test_the_example_of_a_code_is_what_the_table_says(code: Code) -> None:
    example = members(description(), "components", "examples", code.value, "value")
    validate(members(description(), "components", "schemas", "Problem"), example)
    assert example["status"] == KINDS[code].status
    assert example["title"] == KINDS[code].title
    assert example["type"] == type_of(code)
    assert example["code"] == code.value


def test_a_code_is_described_under_its_own_status_or_as_one_of_several_faults() -> None:
    for path, method, operation in operations():
        for status, code in codes_of(operation):
            assert status in (KINDS[code].status, 400), (path, method, code)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_a_route_is_described_as_it_is_listed(route: Route) -> None:
    operation = described(route)
    codes = {code for _, code in codes_of(operation)}
    assert ("security" not in operation) is route.wants_token
    assert (Code.MISSING_TOKEN in codes) is route.wants_token
    assert ("requestBody" in operation) is (route.body_rule is not BodyRule.NONE)
    assert (Code.LENGTH_REQUIRED in codes) is (route.body_rule is not BodyRule.NONE)
    assert Code.INTERNAL_ERROR in codes
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]


def test_the_path_of_a_route_describes_its_parameters() -> None:
    for path, item in members(description(), "paths").items():
        parameters = member(item, "parameters")
        assert isinstance(parameters, list)
        named = {member(each, "name") for each in parameters if member(each, "in") == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_answer_and_every_body_has_an_example_that_its_schema_allows() -> None:
    for path, method, operation in operations():
        contents = [
            members(response, "content") for response in members(operation, "responses").values()
        ]
        if "requestBody" in operation:
            contents.append(members(operation, "requestBody", "content"))
        for content in contents:
            for media in content.values():
                examples = list(members(media, "examples").values())
                values = [member(example, "value") for example in examples]
                assert isinstance(media, dict)
                values += [media["example"]] if "example" in media else []
                assert values, (path, method)
                for value in values:
                    validate(media["schema"], value)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                used.add(str(value["$ref"]))
                resolved(value)
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(description())
    for kind, named in members(description(), "components").items():
        if kind != "securitySchemes":
            for name in named if isinstance(named, dict) else ():
                assert f"#/components/{kind}/{name}" in used
