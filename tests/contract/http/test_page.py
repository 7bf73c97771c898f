"""The page at `/`: what is served, and that it loads nothing else."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from angarium.api.application import MessagingApplication
from angarium.api.endpoints.page import DemoLogin, PageSettings
from angarium.api.routes import page_routes
from tests.balancer import balancer
from tests.contract.http.client import Client
from tests.contract.http.described import check_answer, description
from tests.contract.http.in_process import InProcess
from tests.contract.http.parts import application
from tests.contract.http.services import memory_parts
from tests.fakes.raw_client import RawClient, request
from tests.fakes.serving import serving

FOLDER = Path(__file__).parents[3] / "src" / "angarium" / "api" / "page"
SETTINGS = PageSettings((DemoLogin("alice", "alice-demo"), DemoLogin("bob", "bob-demo")), 30.0)
PATHS = [route.template for route in page_routes(SETTINGS)]
MOST_LINES_OF_SCRIPT = 800


class Tags(HTMLParser):
    """Gathers the tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in {"script", "style"}:
            self.inline.append(data.strip())


def with_page() -> MessagingApplication:
    return application(memory_parts(), page=SETTINGS)


@pytest.fixture(scope="module")
def visitor() -> Client:
    return Client(InProcess(with_page()), check_answer)


@pytest.fixture(scope="module", params=["direct", "balanced"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the page, and one behind the balancer."""
    with serving(with_page()) as running:
        if request.param == "direct":
            yield running.url
        else:
            port = int(running.url.rsplit(":", 1)[1])
            with balancer(tmp_path_factory.mktemp("balancer"), port) as balanced:
                yield balanced


@pytest.mark.parametrize("path", PATHS)
def test_every_file_is_served_with_a_strict_policy(url: str, path: str) -> None:
    with RawClient(url) as client:
        answer = client.ask(request("GET", path))
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"'(\w+)'", policy)) <= {"none", "self", "script"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-trace-id"])


@pytest.mark.parametrize("path", PATHS)
def test_who_has_a_file_already_is_told_so(url: str, path: str) -> None:
    with RawClient(url) as client:
        first = client.ask(request("GET", path))
        assert first.headers["cache-control"] == "no-cache"
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            head = client.ask(request("GET", path, f"If-None-Match: {known}"))
            assert (head.status, head.body, head.headers["etag"]) == (304, b"", tag)
        other = client.ask(request("GET", path, 'If-None-Match: "other"'))
        assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize("path", PATHS)
def test_head_and_options_and_other_methods_are_as_elsewhere(visitor: Client, path: str) -> None:
    head = visitor.send("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers.get("content-length") == visitor.get(path).headers.get("content-length")
    options = visitor.send("OPTIONS", path)
    assert (options.status, options.headers.get("allow")) == (204, "GET, HEAD, OPTIONS")
    posted = visitor.send("POST", path, body=b"")
    assert (posted.status, posted.text("code")) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    ["/page", "/page/", "/page/index.html", "/page/../page.py", "/page/%2e%2e/page.py", "//"],
)
def test_nothing_else_of_the_folder_is_served(visitor: Client, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status, answer.text("code")) == (404, "not_found")


def test_a_query_changes_nothing(visitor: Client) -> None:
    assert visitor.get("/?from=a%20friend").status == 200


def test_every_file_of_the_folder_has_a_path(visitor: Client) -> None:
    served = {visitor.get(path).body for path in PATHS}
    assert [file.name for file in FOLDER.iterdir() if file.read_bytes() not in served] == []


def test_without_the_setting_nothing_is_there() -> None:
    visitor = Client(InProcess(application(memory_parts())), check_answer)
    assert {visitor.get(path).status for path in PATHS} == {404}


def test_it_is_told_whom_to_log_in(visitor: Client) -> None:
    module = visitor.get("/page/settings.js").body.decode()
    assert json.loads(module.removeprefix("export default ").rstrip(";\n")) == {
        "users": [
            {"username": "alice", "password": "alice-demo"},
            {"username": "bob", "password": "bob-demo"},
        ],
        "presence_window_s": 30.0,
    }


def test_no_file_has_a_password_in_it() -> None:
    assert [file.name for file in FOLDER.iterdir() if "-demo" in file.read_text()] == []


def test_it_loads_its_own_files_alone_and_has_nothing_inline(visitor: Client) -> None:
    tags = Tags(visitor.get("/").body.decode())
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href"):
            target = attributes.get(name) or ""
            assert target in {"", *PATHS, "/problems", "/openapi.json"} or target[0] == "#", target
    assert not any(tags.inline)


def test_no_content_can_become_html_or_code() -> None:
    """The policy holds it too; here nobody has to try it."""
    for file in FOLDER.glob("*.js"):
        script = file.read_text()
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
        ):
            assert way not in script, (file.name, way)


def test_its_modules_import_each_other_alone(visitor: Client) -> None:
    for file in FOLDER.glob("*.js"):
        for target in re.findall(r'from "([^"]+)"', file.read_text()):
            assert target.startswith("./"), (file.name, target)
            assert f"/page/{target[2:]}" in PATHS, (file.name, target)


def test_its_script_is_small() -> None:
    lines = [line for file in FOLDER.glob("*.js") for line in file.read_text().splitlines()]
    assert len(lines) < MOST_LINES_OF_SCRIPT


def test_it_is_for_people_and_no_part_of_the_description() -> None:
    paths = json.loads(json.dumps(description()["paths"]))
    assert not set(PATHS) & set(paths)
