"""The page with users of one's own: each side has a login."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.acceptance.service import Service, running, until
from tests.browser.chromium import Page

PASSWORD = "long and hard to guess"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("own-users")
    users = folder / "users.json"
    users.write_text(
        json.dumps([{"username": name, "password": PASSWORD} for name in ("erin", "frank")])
    )
    with running(folder, ANGARIUM_USERS=str(users), ANGARIUM_PAGE="1") as started:
        yield started


@pytest.fixture
def page(browser: webdriver.Chrome, service: Service) -> Page:
    page = Page(browser)
    page.open(f"{service.url}/")
    return page


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
    settings = {**service.settings, "ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(tmp_path / "data")}
    with running(tmp_path, **settings, ANGARIUM_TOKEN_TTL="5") as short:
        page = Page(browser)
        page.open(f"{short.url}/")
        log_in(page, "a", "erin")
        log_in(page, "b", "frank")
        form = page.find("[data-testid=user-a] .login")
        until(lambda: not form.is_displayed(), "the login")
        until(form.is_displayed, "the question for the password")
        assert re.search(r"Log in again|expired_token", page.hook("user-a").text)
        assert page.messages("a") == []


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
