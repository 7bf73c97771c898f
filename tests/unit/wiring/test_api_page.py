"""What the settings say about the page reaches the server."""

import json
from pathlib import Path

import pytest

from angarium.config import Settings
from angarium.wiring.api import page_settings
from tests.fakes.raw_client import RawClient, get
from tests.unit.wiring.test_api_browsers import own_users, served

DEMO = [("alice", "alice-demo"), ("bob", "bob-demo")]


def told(**settings: str) -> list[tuple[str, str]] | None:
    """Whom the page may log in; None without a page."""
    page = page_settings(Settings.from_env({**settings}))
    return None if page is None else [(each.username, each.password) for each in page.demo_logins]


def test_the_page_is_on_with_demo_users_and_knows_two_of_them() -> None:
    assert told() == DEMO
    assert told(ANGARIUM_PAGE="0") is None


def test_with_users_of_ones_own_it_is_off_and_knows_nobody(tmp_path: Path) -> None:
    users = own_users(tmp_path)
    assert told(ANGARIUM_USERS=users) is None
    assert told(ANGARIUM_USERS=users, ANGARIUM_PAGE="1") == []


def test_where_the_demo_is_allowed_it_is_on_and_knows_public_passwords_alone(
    tmp_path: Path,
) -> None:
    users = tmp_path / "users.json"
    users.write_text(
        json.dumps(
            [
                {"username": "erin", "password": "long and hard to guess"},
                {"username": "zoe", "password": "zoe-demo"},
            ]
        )
    )
    assert told(ANGARIUM_USERS=str(users), ANGARIUM_DEMO="1") == [("zoe", "zoe-demo")]
    assert told(ANGARIUM_USERS=str(users), ANGARIUM_PAGE="1") == [], "nobody asked for the demo"


def test_it_is_told_the_presence_window() -> None:
    page = page_settings(Settings.from_env({"ANGARIUM_PRESENCE_WINDOW": "7"}))
    assert page is not None
    assert page.presence_window_s == 7


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/page/settings.js"])
def test_off_it_is_not_there_and_on_it_is(tmp_path: Path, path: str) -> None:
    for switch, status in (("0", 404), ("1", 200)):
        with served(tmp_path / switch, ANGARIUM_PAGE=switch) as url, RawClient(url) as client:
            assert client.ask(get(path)).status == status


def test_a_host_that_leads_here_gets_no_page_either(tmp_path: Path) -> None:
    with served(tmp_path) as url, RawClient(url) as client:
        answer = client.ask(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert answer.code == "misdirected_request"
