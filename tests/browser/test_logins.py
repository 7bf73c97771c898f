"""The page with users of one's own: each side has a login."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from selenium import webdriver

from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.service import Service, running, until
from tests.browser.chromium import Page

PASSWORD = "long and hard to guess"
TOKEN_TTL_S = 12
"""Long enough for two logins and two texts on a slow machine."""

SHORT_WAITS = """
const wait = window.setTimeout;
window.setTimeout = (act, ms, ...rest) => wait(act, Math.min(ms, 50), ...rest);
"""
"""What is tried again after a failure is tried at once."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("own-users")
    users = folder / "users.json"
    users.write_text(
        json.dumps(
            [{"username": name, "password": PASSWORD} for name in ("erin", "frank", "grace")]
        )
    )
    with running(folder, ANGARIUM_USERS=str(users), ANGARIUM_PAGE="1") as started:
        yield started


@pytest.fixture
def page(browser: webdriver.Chrome, service: Service) -> Page:
    page = Page(browser)
    page.open(f"{service.url}/")
    return page


@contextmanager
def apart(service: Service, folder: Path, **settings: str) -> Iterator[Service]:
    """Run another service for the same users, with data of its own."""
    own = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(folder / "data")}
    with running(folder, **{**service.settings, **own, **settings}) as started:
        yield started


@pytest.fixture
def with_short_tokens(service: Service, tmp_path: Path) -> Iterator[Service]:
    """A service whose logins end soon after they have begun."""
    with apart(service, tmp_path, ANGARIUM_TOKEN_TTL=str(TOKEN_TTL_S)) as started:
        yield started


def log_in(page: Page, letter: str, name: str, password: str = PASSWORD) -> None:
    side = page.hook(f"user-{letter}")
    for field, text in (("username", name), ("password", password)):
        box = side.find_element("name", field)
        box.clear()
        box.send_keys(text)
    side.find_element("css selector", ".login button").click()


def test_two_log_in_and_talk(page: Page) -> None:
    log_in(page, "a", "erin")
    log_in(page, "b", "frank")
    page.await_conversation()
    sent = page.write("a", "Hello Frank")
    assert page.await_status("b", sent, "DELIVERED").text == "Hello Frank"
    page.await_status("a", sent, "DELIVERED")
    assert page.complaints() == []


def test_one_alone_says_whom_to_write_to(page: Page) -> None:
    log_in(page, "a", "erin")
    side = page.hook("user-a")
    partner = side.find_element("name", "partner")
    until(partner.is_displayed, "the question")
    partner.send_keys("nobody")
    side.find_element("css selector", ".partner button").click()
    until(lambda: "404 user_not_found" in side.text, "what is wrong")
    partner.clear()
    partner.send_keys("frank")
    side.find_element("css selector", ".partner button").click()
    until(page.hook("text-a").is_displayed, "the conversation")
    page.await_status("a", page.write("a", "Are you there?"), "PENDING", "SENT")


def test_a_wrong_password_says_so_and_can_be_mended(page: Page) -> None:
    log_in(page, "a", "erin", "wrong")
    until(lambda: "401 invalid_credentials" in page.hook("user-a").text, "what is wrong")
    log_in(page, "a", "erin")
    until(lambda: "online" in page.hook("user-a").text, "the login")


def test_who_logs_out_leaves_nothing_behind(page: Page) -> None:
    log_in(page, "a", "erin")
    log_in(page, "b", "frank")
    page.await_conversation()
    sent = page.write("a", "Only for us")
    page.await_status("b", sent, "DELIVERED")
    page.find("[data-testid=user-a] .logout").click()
    assert page.messages("a") == []
    assert not page.hook("text-a").is_displayed()
    log_in(page, "a", "erin")
    until(lambda: page.message("a", sent) is not None, "the conversation again")


def test_a_login_that_has_ended_is_asked_for_again(
    browser: webdriver.Chrome, service: Service, tmp_path: Path
) -> None:
    with apart(service, tmp_path, ANGARIUM_TOKEN_TTL="5") as short:
        page = Page(browser)
        page.open(f"{short.url}/")
        log_in(page, "a", "erin")
        log_in(page, "b", "frank")
        form = page.find("[data-testid=user-a] .login")
        until(lambda: not form.is_displayed(), "the login")
        until(form.is_displayed, "the question for the password")
        assert re.search(r"Log in again|expired_token", page.hook("user-a").text)
        assert page.messages("a") == []


def log_out(page: Page, letter: str) -> None:
    page.find(f"[data-testid=user-{letter}] .logout").click()


def sent_from(page: Page) -> int:
    """Count the sends that the panel of calls has."""
    return len(re.findall(r"POST\s+/v1/messages", page.hook("calls").text))


def texts_of(url: str, name: str, other: str) -> list[str]:
    with Caller(url) as caller:
        caller.log_in(name, PASSWORD)
        history = caller.history(conversation_id(name, other))
        return [str(message["content"]) for message in history]


def test_what_waits_at_a_logout_is_sent_by_nobody(
    browser: webdriver.Chrome, service: Service, tmp_path: Path
) -> None:
    """Least of all by who logs in next, to somebody else."""
    with apart(service, tmp_path) as mortal:
        page = Page(browser)
        page.open(f"{mortal.url}/")
        log_in(page, "a", "erin")
        log_in(page, "b", "frank")
        page.await_conversation()
        page.run(SHORT_WAITS)
        mortal.kill()
        first = page.write("a", "For frank only")
        page.write("a", "Never to be sent")
        until(lambda: "same id again" in str(page.message("a", first)), "the first try to fail")
        page.hook("text-a").send_keys("A draft")
        assert sent_from(page) > 0
        log_out(page, "a")
        assert sent_from(page) == 0, "the calls go with the one who made them"
        mortal.start()
        log_in(page, "a", "grace")
        until(page.hook("text-a").is_displayed, "the next conversation")
        assert page.hook("text-a").get_attribute("value") == ""
        page.await_status("a", page.write("a", "From grace"), "PENDING", "SENT")
        assert sent_from(page) == 1
        assert texts_of(mortal.url, "grace", "frank") == ["From grace"]
        assert texts_of(mortal.url, "erin", "frank") == []


@pytest.mark.parametrize("next_user", ["erin", "grace"])
def test_texts_that_wait_when_a_login_ends_wait_for_the_same_user(
    next_user: str, browser: webdriver.Chrome, with_short_tokens: Service
) -> None:
    page = Page(browser)
    page.open(f"{with_short_tokens.url}/")
    log_in(page, "a", "erin")
    log_in(page, "b", "frank")
    page.await_conversation()
    page.hook("offline-a").click()
    waiting = [page.write("a", text) for text in ("first", "second")]
    page.hook("text-a").send_keys("A draft")
    ended = page.find("[data-testid=user-b] .login")
    until(ended.is_displayed, "the logins to have ended")
    page.hook("offline-a").click()
    until(page.find("[data-testid=user-a] .login").is_displayed, "the question for the password")
    log_in(page, "a", next_user)
    if next_user == "erin":
        for message_id in waiting:
            page.await_status("a", message_id, "PENDING", "SENT")
        assert page.hook("text-a").get_attribute("value") == "A draft"
        assert texts_of(with_short_tokens.url, "erin", "frank") == ["first", "second"]
        return
    log_in(page, "b", "frank")
    until(page.hook("text-a").is_displayed, "the next conversation")
    assert page.hook("text-a").get_attribute("value") == ""
    page.await_status("a", page.write("a", "From grace"), "PENDING", "SENT", "DELIVERED")
    assert texts_of(with_short_tokens.url, "grace", "frank") == ["From grace"]
    assert texts_of(with_short_tokens.url, "erin", "frank") == []


def test_messages_of_one_moment_stay_in_their_order(
    browser: webdriver.Chrome, service: Service, tmp_path: Path
) -> None:
    """After a clock was ahead all have the same time until it has
    caught up, and those on their way are read again by their time.
    """
    with apart(service, tmp_path) as mortal:
        say(mortal.url, "the first")
        assert mortal.terminate() == 0
        with closing(sqlite3.connect(tmp_path / "data" / "angarium.db")) as database:
            database.execute("UPDATE log_positions SET watermark = watermark + 3600000")
            database.commit()
        mortal.start()
        texts = [f"{number}" for number in range(40)]
        say(mortal.url, *texts)
        page = Page(browser)
        page.open(f"{mortal.url}/")
        log_in(page, "a", "erin")
        side = page.hook("user-a")
        until(side.find_element("name", "partner").is_displayed, "the login")
        side.find_element("name", "partner").send_keys("frank")
        side.find_element("css selector", ".partner button").click()
        until(lambda: "since_timestamp" in page.hook("calls").text, "the second look")
        until(lambda: "\u00d7 3" in page.hook("calls").text, "more of them")
        shown = [each.text for each in page.messages("a")]
        assert shown == texts[-len(shown) :]


def say(url: str, *texts: str) -> None:
    """Let erin write to frank, who is not there, and wait for the
    store.
    """
    with Caller(url) as erin:
        erin.log_in("erin", PASSWORD)
        conversation = erin.open_conversation("frank")
        for text in texts:
            assert erin.send(conversation, text).status == 202
        until(lambda: texts[-1] in str(erin.history(conversation)), "all stored")


def test_no_password_is_shown_or_copied(page: Page) -> None:
    page.command("Browser.grantPermissions", permissions=["clipboardReadWrite"], origin=page.url)
    log_in(page, "a", "erin")
    until(lambda: "online" in page.hook("user-a").text, "the login")
    page.find("#call-list summary").click()
    until(lambda: "Copy as curl" in page.hook("calls").text, "the call to be open")
    for call in page.all("#call-list summary")[1:]:
        call.click()
    assert PASSWORD not in page.find("body").text
    login = next(each for each in page.all("#call-list li") if "/auth/token" in each.text)
    login.find_element("css selector", "button").click()
    until(lambda: "Copied" in login.text, "the copy")
    copied = str(page.run("return navigator.clipboard.readText()"))
    assert "username=erin" in copied
    assert PASSWORD not in copied
