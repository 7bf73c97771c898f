"""The page that the `type` of a problem document leads to."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import pytest

from angarium.api.problems import type_of
from angarium.domain.errors import Code
from tests.contract.http.client import Client, refused
from tests.contract.http.services import WITHOUT_SERVERS

pytestmark = pytest.mark.parametrize("service", WITHOUT_SERVERS, indirect=True, scope="package")


class Page(HTMLParser):
    """Gathers what a page has: ids, tags, and the targets of its
    links.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"a script in {name}"
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")


@pytest.mark.parametrize("code", list(Code))
def test_the_type_of_every_code_leads_to_its_section(stranger: Client, code: Code) -> None:
    address, anchor = urldefrag(urljoin("/v1/messages", type_of(code)))
    answer = stranger.get(address)
    assert answer.status == 200
    assert Page(answer.body.decode()).ids.count(anchor) == 1


def test_the_type_that_a_client_gets_leads_there(stranger: Client) -> None:
    problem = stranger.get("/v1/inbox")
    assert refused(problem) == (401, "missing_token")
    address, anchor = urldefrag(urljoin("/v1/inbox", problem.text("type")))
    assert anchor == "missing_token"
    assert anchor in Page(stranger.get(address).body.decode()).ids


def test_it_is_html_for_everybody_that_loads_and_runs_nothing(stranger: Client) -> None:
    answer = stranger.get("/problems")
    assert answer.headers.get("content-type") == "text/html; charset=utf-8"
    policy = answer.headers.get("content-security-policy") or ""
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert answer.headers.get("x-content-type-options") == "nosniff"
    page = Page(answer.body.decode())
    assert not page.tags & {"script", "img", "iframe", "form", "link"}
    assert all(link.startswith("#") for link in page.links)


def test_its_links_lead_to_its_sections(stranger: Client) -> None:
    page = Page(stranger.get("/problems").body.decode())
    assert {link[1:] for link in page.links} == set(page.ids) == {code.value for code in Code}


def test_its_style_is_the_one_that_its_policy_allows(stranger: Client) -> None:
    answer = stranger.get("/problems")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in (answer.headers.get("content-security-policy") or "")
