"""Holds every answer against the service's own description."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import cast

import jsonschema_rs

from angarium.api.routes import TABLE
from tests.contract.http.client import Answer

Json = Mapping[str, object]


@cache
def description() -> Json:
    """Read the OpenAPI document."""
    read: Json = json.loads(files("angarium.api.endpoints").joinpath("openapi.json").read_bytes())
    return read


def member(document: object, *path: str) -> object:
    """Walk into a document, through references."""
    value = resolved(document)
    for name in path:
        assert isinstance(value, dict), f"nothing has the member {name!r}"
        value = resolved(cast("Json", value)[name])
    return value


def members(document: object, *path: str) -> Json:
    """Walk to an object of a document; an absent one is empty."""
    value = resolved(document)
    for name in path:
        assert isinstance(value, dict)
        value = resolved(cast("Json", value).get(name, {}))
    assert isinstance(value, dict)
    return cast("Json", value)


def resolved(value: object) -> object:
    """Follow a reference."""
    if isinstance(value, dict) and "$ref" in value:
        reference = str(value["$ref"])
        assert reference.startswith("#/"), reference
        return member(description(), *reference[2:].split("/"))
    return value


@cache
def validator(schema: str) -> jsonschema_rs.Validator:
    """Make a validator of a schema, which may refer to the
    description's components.
    """
    whole = {**json.loads(schema), "components": description()["components"]}
    return jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}, validate_formats=True
    )


def validate(schema: object, value: object) -> None:
    """Check a value against a schema of the description."""
    validator(json.dumps(schema)).validate(value)


def check_answer(answer: Answer) -> None:
    """Check an answer's status, header fields and body against the
    description.
    """
    assert answer.headers.get("x-trace-id") is not None
    matched = TABLE.match(answer.request.target.partition("?")[0])
    method = "GET" if answer.request.method == "HEAD" else answer.request.method
    operations = {} if matched is None else members(description(), "paths", matched[0].template)
    if method.lower() not in operations:
        return
    responses = members(operations, method.lower(), "responses")
    assert str(answer.status) in responses, f"{answer.status} is not described: {answer.body!r}"
    response = members(responses, str(answer.status))
    _check_headers(answer, members(response, "headers"))
    _check_body(answer, members(response, "content"))
    if answer.headers.get("content-type") == "application/problem+json" and answer.body:
        codes = member(operations, method.lower(), "x-problem-codes", str(answer.status))
        assert isinstance(codes, list)
        assert answer.at("code") in codes, (
            f"{answer.at('code')} is not described for {answer.status}"
        )


def _check_headers(answer: Answer, described: Json) -> None:
    for name, header in described.items():
        values = answer.headers.all(name.lower())
        assert len(values) == 1, f"{name} is there {len(values)} times"
        schema = members(header, "schema")
        validate(schema, int(values[0]) if schema.get("type") == "integer" else values[0])


def _check_body(answer: Answer, described: Json) -> None:
    media_type = answer.headers.get("content-type") or ""
    assert media_type in described, f"{media_type!r} is not described for {answer.status}"
    if answer.request.method == "HEAD":
        assert answer.body == b""
        return
    value = answer.document() if "json" in media_type else answer.body.decode()
    validate(members(described, media_type).get("schema", {}), value)
