"""The service dies and comes back while two people write."""

from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.service import Service, running, until
from tests.browser.chromium import Page


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("mortal")) as started:
        yield started


def test_what_was_written_while_it_was_dead_arrives_once(page: Page, service: Service) -> None:
    page.await_status("a", page.write("a", "Are you there?"), "DELIVERED")
    service.kill()
    sent = [page.write("a", "Still here?"), page.write("a", "Nothing lost.")]
    answered = page.write("b", "And nothing twice.")
    until(lambda: "same id again" in str(page.message("a", sent[0])), "the first try to fail")
    until(lambda: "does not answer" in page.hook("user-b").text, "bob to be told")
    service.start()
    for letter in "ab":
        for message_id in (*sent, answered):
            page.await_status(letter, message_id, "DELIVERED")
    until(lambda: "does not answer" not in page.find("#people").text, "all to be well again")
    with Caller(service.url) as alice:
        stored = alice.log_in("alice").history(conversation_id("alice", "bob"))
    ids = [message["message_id"] for message in stored]
    assert len(ids) == len(set(ids)) == 4
    for letter in "ab":
        assert [each.id for each in page.messages(letter)] == ids
    assert [each for each in ids if each in sent] == sent


def test_a_login_that_has_ended_is_renewed_for_the_demo(
    browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("short"), ANGARIUM_TOKEN_TTL="2") as short:
        page = Page(browser)
        page.open(f"{short.url}/")
        page.await_conversation()
        until(lambda: page.hook("calls").text.count("/auth/token") > 2, "another login")
        page.await_status("b", page.write("a", "Still me"), "DELIVERED")
