"""`docs/http.md` and `docs/http-problems.md` say what the API does:
every route with a call, every problem code, every field and every
limit.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from angarium.api import application, cors, respond
from angarium.api.endpoints import submissions
from angarium.api.fields import DEFAULT_LIMIT, MAX_LIMIT, MAX_UNKNOWN
from angarium.api.interface import MAX_BODY_BYTES, BodyRule
from angarium.api.json_codec import MAX_DEPTH, MAX_FORM_FIELDS
from angarium.api.problem_kinds import KINDS
from angarium.api.routes import ROUTES, Route
from angarium.api.timestamps import MIN_MILLISECONDS
from angarium.api.transport.body_reader import MAX_CHUNK_LINE
from angarium.api.transport.http_parser import MAX_FIELDS, MAX_HEADERS, MAX_REQUEST_LINE
from angarium.api.transport.limits import MAX_CONNECTIONS, ServerLimits
from angarium.config import Settings
from angarium.domain import password
from angarium.domain.errors import Code
from angarium.domain.events import MAX_RECEIPT_IDS
from angarium.domain.message import MAX_CONTENT_BYTES, Status
from angarium.domain.page_size import MAX_PAGE_BYTES
from angarium.engines.secrets.tokens import CLOCK_SKEW_S
from angarium.ports.messages import PENDING_COUNT_LIMIT
from angarium.services import health
from angarium.services.login_throttle import ADDRESS_FACTOR
from tests.contract.http.described import member, validator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http.md").read_text()
PROBLEMS = (ROOT / "docs" / "http-problems.md").read_text()
OPENAPI: Mapping[str, Any] = json.loads(
    (ROOT / "src/angarium/api/endpoints/openapi.json").read_text()
)
SETTINGS = Settings.from_env({})
SERVER = ServerLimits()

LIMITS = {
    "request line": MAX_REQUEST_LINE,
    "all header fields together": MAX_HEADERS,
    "number of header fields": MAX_FIELDS,
    "body": MAX_BODY_BYTES,
    "line with the size of a chunk": MAX_CHUNK_LINE,
    "chunk extensions and trailer fields together": MAX_HEADERS,
    "nesting of objects and arrays": MAX_DEPTH,
    "fields of a form": MAX_FORM_FIELDS,
    "text of a message": MAX_CONTENT_BYTES,
    "`Idempotency-Key`": submissions.MAX_KEY_LENGTH,
    "ids of a confirmation": MAX_RECEIPT_IDS,
    "`limit`": MAX_LIMIT,
    "`limit` by default": DEFAULT_LIMIT,
    "items of a page": MAX_PAGE_BYTES,
    "unknown parameters that an answer lists": MAX_UNKNOWN,
    "password": password.MAX_BYTES,
    "time to send a request, `ANGARIUM_REQUEST_TIMEOUT`": SETTINGS.request_timeout_s,
    "time without a request, `ANGARIUM_IDLE_TIMEOUT`": SETTINGS.idle_timeout_s,
    "time in which a client must take 16 KiB of its answers, or all that is left": (
        SERVER.write_timeout_s
    ),
    "time for the store": application.STORE_TIMEOUT_S,
    "time for the log": respond.LOG_TIMEOUT_S,
    "time for a login": SERVER.hashing_timeout_s,
    "time for a readiness check": health.CHECK_S,
    "concurrent requests, `ANGARIUM_MAX_INFLIGHT`": SETTINGS.max_inflight,
    "logins that wait or are checked, `ANGARIUM_MAX_LOGINS`": SETTINGS.max_logins,
    "the same for one address": SERVER.logins_of_address,
    "connections": MAX_CONNECTIONS,
}
"""What the table of limits says, and where the code has it."""

STATED = (
    (f"lie up to {CLOCK_SKEW_S} seconds in the future", "Tokens"),
    (f"or {MIN_MILLISECONDS:,} or more", "Endpoints"),
    (f"counted up to {PENDING_COUNT_LIMIT};", "Endpoints"),
    (f"up to {password.MAX_BYTES:,} bytes of UTF-8", "Endpoints"),
    (f"1 to {MAX_CONTENT_BYTES:,} bytes of UTF-8", "Endpoints"),
    (f"1 to {submissions.MAX_KEY_LENGTH} printable ASCII", "Endpoints"),
    (f"a list of 1 to {MAX_RECEIPT_IDS} UUIDs", "Endpoints"),
    (f"| `limit` | {DEFAULT_LIMIT} | 1 to {MAX_LIMIT} |", "Endpoints"),
    (f"take at most {MAX_PAGE_BYTES:,} bytes", "Pages and cursors"),
    (f"within {health.CHECK_S:g} second,", "Endpoints"),
    (f"{SERVER.logins_of_address} of them from one address", "Endpoints"),
    (f"within {application.STORE_TIMEOUT_S:g} seconds for", "Retrying"),
    (f"and {respond.LOG_TIMEOUT_S:g} more for the log", "Retrying"),
)
"""Limits in the running text, and the section that has them."""

TIMES = {10: "ten times as many failures"}
WORD = re.compile(r"`([a-z_]+)`")
CALL = re.compile(
    r"^    \$ (?P<call>curl -si .+(?:\n      .+)*)\n"
    r"    HTTP/1\.1 (?P<status>\d+) .+\n(?:    .+\n)*\n(?P<body>(?:    .+\n)+)",
    re.MULTILINE,
)
SHORTENED = {"/openapi.json", "/problems"}
"""Paths whose answers are too long to show."""


def section(title: str) -> str:
    """Return the text under a heading of the second level."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def on_one_line(text: str) -> str:
    """Return a text without its line ends."""
    return " ".join(text.split())


def endpoint_sections() -> Mapping[str, str]:
    """Return the text of each endpoint by its method and path."""
    parts = re.split(r"^### (.+)$", section("Endpoints"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each table row except heads and rules."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def common(group: str) -> set[str]:
    """Return the codes that many endpoints share, which their sections
    do not repeat.
    """
    text = section("Endpoints").split(f"- **{group}**:")[1].split("\n- **")[0].split("\n### ")[0]
    return set(WORD.findall(text))


def name(route: Route) -> str:
    return f"{route.method} {route.template}"


def call_and_answer(text: str) -> tuple[str, str, str]:
    """Return the call of a section, its answer's status and body."""
    found = CALL.search(text)
    assert found, text
    return found["call"], found["status"], found["body"]


def pattern(route: Route) -> str:
    """Return what the path of a route looks like in a call."""
    return re.sub(r"\{\w+\}", r"[$\\w-]+", route.template)


def method(call: str) -> str:
    """Return the method that curl uses for a call."""
    named = re.search(r" -X (\w+)", call)
    return named[1] if named else "POST" if re.search(r" (-d|--json) ", call) else "GET"


def answer_schema(route: Route, status: str) -> object:
    """Return what the description says of an answer's body."""
    answers = OPENAPI["paths"][route.template][route.method.lower()]["responses"]
    return member(answers[status], "content", "application/json", "schema")


def test_every_route_has_a_row_and_a_section_and_no_other_has() -> None:
    routes = [name(route) for route in ROUTES]
    listed = re.findall(r"^\| \[`([A-Z]+ [^`]+)`\]", section("Endpoints"), re.MULTILINE)
    assert sorted(listed) == sorted(routes)
    assert sorted(endpoint_sections()) == sorted(routes)


def test_every_problem_code_has_a_row_that_leads_to_its_section() -> None:
    assert list(rows(section("Problem codes")))[1:] == [
        [f"[`{code}`](http-problems.md#{code})", str(KINDS[code].status), KINDS[code].title]
        for code in Code
    ]


def test_every_problem_code_has_a_section_in_the_words_of_the_page_that_the_service_serves() -> (
    None
):
    codes = PROBLEMS.split("\n## The codes\n")[1]
    parts = re.split(r"^### (.+)$", codes, flags=re.MULTILINE)[1:]
    written = zip(parts[::2], map(on_one_line, parts[1::2]), strict=True)
    assert list(written) == [
        (
            code.value,
            f"**{kind.status}. {kind.title}.** {kind.meaning} **What to do:** {kind.advice}",
        )
        for code, kind in KINDS.items()
    ]
    assert list(KINDS) == list(Code)


def test_every_problem_code_has_one_thing_that_a_client_does() -> None:
    table = PROBLEMS.split("\n## What a client decides\n")[1].split("\n## ")[0]
    decided = [code for row in list(rows(table))[1:] for code in WORD.findall(row[1])]
    assert sorted(decided) == sorted(code.value for code in Code)


def test_every_route_has_a_call_and_an_answer_as_the_description_has_it() -> None:
    for route in ROUTES:
        call, status, body = call_and_answer(endpoint_sections()[name(route)])
        assert re.search(r"\$U" + pattern(route) + r"([\s?\"]|$)", call), call
        assert method(call) == route.method, call
        if route.template not in SHORTENED:
            schema = answer_schema(route, status)
            validator(json.dumps(schema)).validate(json.loads(body))


def test_every_call_uses_names_that_the_page_explains() -> None:
    defined = set(re.findall(r"^    (\w+)=", section("The calls on this page"), re.MULTILINE))
    used = {
        name
        for line in PAGE.splitlines()
        if line.startswith("    $ ")
        for name in re.findall(r"\$(\w+)", line)
    }
    assert used
    assert used <= defined


def test_every_endpoint_names_exactly_the_problems_that_the_description_has() -> None:
    everywhere, with_token, with_body = (
        common("Every endpoint"),
        common("Under `/v1`"),
        common("With a body"),
    )
    for route in ROUTES:
        described = OPENAPI["paths"][route.template][route.method.lower()]["x-problem-codes"]
        expected = {code for codes in described.values() for code in codes}
        listed = endpoint_sections()[name(route)].partition("Problems:")[2].partition("\n### ")[0]
        stated = everywhere | set(WORD.findall(listed)) & set(Code)
        if route.wants_token:
            stated |= with_token
        if route.body_rule is not BodyRule.NONE:
            stated |= with_body
        assert stated == expected, name(route)


def test_every_query_parameter_stands_in_its_endpoints_section() -> None:
    for route in ROUTES:
        if route.method == "GET":
            for parameter in route.query or ():
                assert f"`{parameter}`" in endpoint_sections()[name(route)], (
                    name(route),
                    parameter,
                )


def test_every_field_of_a_request_stands_in_its_endpoints_section() -> None:
    for route in ROUTES:
        body = OPENAPI["paths"][route.template][route.method.lower()].get(
            "requestBody", {"content": {}}
        )
        for medium in body["content"].values():
            schema = OPENAPI["components"]["schemas"][medium["schema"]["$ref"].rpartition("/")[2]]
            for field in schema["properties"]:
                required = "required" if field in schema["required"] else "optional"
                assert f"| `{field}` | {required} |" in endpoint_sections()[name(route)], (
                    name(route),
                    field,
                )


def test_every_member_of_an_answer_is_explained() -> None:
    words = "\n".join(line for line in PAGE.splitlines() if not line.startswith("    "))
    explained = set(re.findall(r"`(\w+)`", words)) | set(re.findall(r'"(\w+)"', words))
    for title, schema in OPENAPI["components"]["schemas"].items():
        for part in schema.get("allOf", [schema]):
            for named in part.get("properties", ()):
                assert named in explained, f"{title}.{named} is not in docs/http.md"


def test_every_status_of_a_message_is_explained() -> None:
    assert [row[0] for row in rows(section("Status of a message"))][1:] == [
        f"`{each}`" for each in Status
    ]


def test_every_limit_is_the_codes() -> None:
    stated = {
        row[0]: float(row[1].split()[0].replace(",", ""))
        for row in list(rows(section("Limits")))[1:]
    }
    assert stated == LIMITS


def test_limits_in_the_text_are_the_codes() -> None:
    for words, title in STATED:
        assert words in on_one_line(section(title)), words
    assert TIMES[ADDRESS_FACTOR] in on_one_line(section("Endpoints"))


def test_browsers_are_told_the_header_fields_that_the_code_sends() -> None:
    policy = cors.CorsPolicy(["https://chat.example.org"])
    fields = dict(policy.fields(["https://chat.example.org"]))
    preflight = dict(policy.preflight_fields(["https://chat.example.org"], "GET"))
    text = on_one_line(section("Browsers"))
    for field in ("Access-Control-Expose-Headers", "Vary"):
        assert f"`{field}: {fields.pop(field)}`" in text
    for field in ("Access-Control-Allow-Headers", "Access-Control-Max-Age"):
        assert f"`{field}: {preflight.pop(field)}`" in text
    for field in (*fields, *preflight):
        assert f"`{field}`" in text


def test_every_setting_on_the_page_is_one() -> None:
    known = {shown.name for shown in SETTINGS.shown}
    assert set(re.findall(r"ANGARIUM_\w+", PAGE + PROBLEMS)) <= known


def anchors(text: str) -> set[str]:
    """Return what links can lead to in a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_within_and_between_the_pages_lead_to_their_headings() -> None:
    for text, other, title in ((PAGE, PROBLEMS, "http-problems"), (PROBLEMS, PAGE, "http")):
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors(text)
        assert set(re.findall(rf"\]\({title}\.md#([^)]+)\)", text)) <= anchors(other)


def test_every_section_is_in_the_table_of_contents() -> None:
    contents = set(re.findall(r"\]\(#([^)]+)\)", PAGE.split("\n## ")[0]))
    assert contents == anchors("\n".join(re.findall(r"^## .+$", PAGE, re.MULTILINE)))
