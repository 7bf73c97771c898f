"""Alice and bob talk on the page at `/`."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import cast

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from angarium.api.routes import ROUTES
from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.service import PATIENCE, Service, until
from tests.browser.chromium import Page

RANK = {"SENDING": 0, "ACCEPTED": 1, "PENDING": 2, "SENT": 2, "DELIVERED": 3}
MS = r"[\d,.]+ (ms|s)"
CONVERSATION = conversation_id("alice", "bob")
MOST_SHOWN = 300
"""Messages on the screen of one person; older ones leave it."""

CALLS_OF_A_POLL = 3
"""What is new, statuses of what is not delivered, a confirmation."""

HOSTILE = {
    "html": '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>&lt;b&gt;</p>',
    "right to left": "\u202egnorw \u2067\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "marks": "Z" + "\u0300\u0301\u0316\u0327" * 200,
    "lines": "one\r\n two\u2028three\u2029\tfour\u0085five",
    "one long word": "w" * 10_240,
    "many lines": "\n".join("line" for _ in range(1_500)),
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f4\ue0067",
    "template": "${window.hacked=1} {{1}} javascript:window.hacked=1",
}


@pytest.fixture(autouse=True)
def no_complaints(page: Page) -> Iterator[None]:
    """No test leaves a violation of the policy or an error behind."""
    yield
    assert page.complaints() == []
    assert page.run("return window.hacked") is None


@pytest.fixture(scope="module")
def alice(service: Service) -> Iterator[Caller]:
    with Caller(service.url) as caller:
        yield caller.log_in("alice")


def test_each_message_shows_its_way_as_it_happens(page: Page) -> None:
    sent = page.write("a", "Hello Bob")
    shown = page.await_status("a", sent, "DELIVERED")
    accepted, stored, delivered = shown.way
    assert re.fullmatch(rf"accepted partition \d+, offset \d+ · {MS}", accepted)
    assert re.fullmatch(rf"(PENDING|SENT|stored) {MS}", stored)
    assert re.fullmatch(rf"DELIVERED {MS}", delivered)
    steps = page.statuses(sent)
    assert steps[:2] == ["SENDING", "ACCEPTED"]
    assert [RANK[step] for step in steps] == sorted({RANK[step] for step in steps})
    received = page.await_status("b", sent, "DELIVERED")
    assert received.text == shown.text == "Hello Bob"


def test_what_the_page_did_not_send_says_so_as_the_legend_has_it(
    page: Page, alice: Caller
) -> None:
    alice.send(CONVERSATION, "sent by another client")
    until(lambda: page.messages("a")[-1].text == "sent by another client", "the message")
    shown = page.await_status("a", page.messages("a")[-1].id, "DELIVERED")
    assert shown.way[0] == "accepted elsewhere"
    legend = [chip.text for chip in page.all(".legend .chip")]
    words = {re.sub(r" (partition|[\d,.]+ m?s).*", "", step) for step in shown.way}
    assert words <= set(legend)


def test_looking_is_said_to_confirm(page: Page) -> None:
    assert "Looking confirms" in str(page.run("return document.querySelector('header').innerText"))


def test_the_other_one_answers(page: Page) -> None:
    asked = page.write("a", "Are you there?")
    page.await_status("b", asked, "DELIVERED")
    answered = page.write("b", "Yes")
    page.await_status("a", answered, "DELIVERED")
    for letter in "ab":
        assert [each.id for each in page.messages(letter)][-2:] == [asked, answered]


def test_several_at_once_keep_the_order_in_which_they_were_typed(page: Page) -> None:
    sent = [page.write("a", f"number {number}") for number in range(8)]
    page.await_status("b", sent[-1], "DELIVERED")
    for letter in "ab":
        assert [each.id for each in page.messages(letter)][-8:] == sent


def test_the_same_id_again_is_one_message(page: Page, alice: Caller) -> None:
    sent = page.write("a", "Only once")
    page.await_status("a", sent, "DELIVERED")
    page.hook("resend-a").click()
    until(lambda: "one message" in page.messages("a")[-1].note, "the answer to the second send")
    accepted, note = page.messages("a")[-1].way[0], page.messages("a")[-1].note
    first, second = (int(re.findall(r"offset (\d+)", text)[0]) for text in (accepted, note))
    assert second > first, "the log has both"
    # What is sent later comes behind whatever the second one might do.
    page.await_status("b", page.write("a", "later"), "DELIVERED")
    for letter in "ab":
        assert [each.id for each in page.messages(letter)].count(sent) == 1
    stored = [message["message_id"] for message in alice.history(CONVERSATION)]
    assert stored.count(sent) == 1
    texts = [message["content"] for message in alice.history(CONVERSATION)]
    assert texts.count("Only once") == 1


def test_offline_messages_wait_and_come_back_with_their_reader(page: Page) -> None:
    page.hook("offline-b").click()
    until(lambda: "PENDING now" in page.state("b"), "bob to count as offline")
    sent = page.write("a", "Read this later")
    assert page.await_status("a", sent, "PENDING").way[1].startswith("PENDING ")
    assert page.message("b", sent) is None
    page.hook("offline-b").click()
    page.await_status("b", sent, "DELIVERED")
    assert page.await_status("a", sent, "DELIVERED").way[1].startswith("PENDING ")
    assert page.statuses(sent) == ["SENDING", "ACCEPTED", "PENDING", "DELIVERED"]
    assert page.state("b") == "online again: 1 message was waiting"


def test_who_is_offline_makes_no_calls_and_writes_for_later(page: Page) -> None:
    page.hook("offline-b").click()
    waiting = page.write("b", "From the tunnel")
    until(lambda: "Waits" in page.messages("b")[-1].note, "the message to wait")
    page.await_status("b", waiting, "SENDING")
    before = calls_of(page, "bob")
    page.await_status("a", page.write("a", "Where are you?"), "PENDING", "SENT")
    assert calls_of(page, "bob") == before
    page.hook("offline-b").click()
    page.await_status("a", waiting, "DELIVERED")
    assert page.message("b", waiting)


def test_what_is_under_way_when_somebody_goes_offline_is_given_up(
    page: Page, alice: Caller
) -> None:
    # A network so slow that the answer comes when nobody wants it.
    page.run(
        """
        const fetched = window.fetch;
        window.late = 0;
        window.fetch = async (path, options) => {
          await new Promise((done) => setTimeout(done, 3000));
          const answer = await fetched(path, { ...options, signal: undefined });
          window.late += 1;
          return answer;
        };
        """
    )
    page.browser.execute_async_script("setTimeout(arguments[0], 1500)")  # polls begin
    page.hook("offline-b").click()
    sent = alice.send(CONVERSATION, "Too late for the poll").text("message_id")
    page.browser.execute_async_script("setTimeout(arguments[0], 4500)")
    assert page.run("return window.late") != 0
    assert page.message("b", sent) is None
    page.open(page.url)
    page.await_status("b", sent, "DELIVERED")


def test_hostile_text_stays_text(page: Page, alice: Caller) -> None:
    answers = [alice.send(CONVERSATION, text) for text in HOSTILE.values()]
    assert {answer.status for answer in answers} == {202}
    sent = [answer.text("message_id") for answer in answers]
    for letter in "ab":
        for message_id, text in zip(sent, HOSTILE.values(), strict=True):
            shown = page.await_status(letter, message_id, "DELIVERED")
            assert shown.text == text
            assert shown.elements == 0
    open_calls(page)
    assert not re.search("[\u202e\u2067\u2028\u2029]", page.hook("calls").text)
    for width in (390, 1400):
        page.resize(width)
        assert page.too_wide() == []


def test_a_typed_text_stays_text_too(page: Page) -> None:
    text = HOSTILE["html"]
    sent = page.write("a", text)
    assert page.await_status("b", sent, "DELIVERED").text == text


def test_what_the_service_refuses_says_why(page: Page) -> None:
    page.run("document.querySelector('[data-testid=text-a]').value = 'x'.repeat(10_241)")
    page.hook("send-a").click()
    until(lambda: page.messages("a")[-1].status == "FAILED", "the refusal")
    assert "413 content_too_large" in page.messages("a")[-1].note
    assert page.complaints() != [], "the browser notes every 413"


def test_a_copy_as_curl_works_and_what_is_shown_has_no_secret(page: Page) -> None:
    page.command("Browser.grantPermissions", permissions=["clipboardReadWrite"], origin=page.url)
    sent = page.write("a", "It's a 'quoted' $(text)\\")
    page.await_status("a", sent, "DELIVERED")
    open_calls(page)
    shown = str(page.run("return document.body.innerText"))
    assert "-demo" not in shown
    # Three parts make a token: a cursor may have these letters, too.
    assert re.search(r"eyJ[\w-]*\.[\w-]+\.", shown) is None
    call = next(each for each in page.all("#call-list li") if "POST\n/v1/messages" in each.text)
    call.find_element("css selector", "button").click()
    until(lambda: "Copied" in call.text, "the copy")
    copied = str(page.run("return navigator.clipboard.readText()"))
    assert re.search(r"Authorization: Bearer eyJ[\w-]*\.[\w-]+\.", copied)
    pasted = subprocess.run(
        ["bash", "-c", copied], capture_output=True, timeout=PATIENCE, check=True
    )
    answer = json.loads(pasted.stdout)
    assert (answer["message_id"], answer["status"]) == (sent, "ACCEPTED")


def test_the_copy_of_a_login_works(page: Page) -> None:
    page.open(page.url)
    page.await_conversation()
    page.command("Browser.grantPermissions", permissions=["clipboardReadWrite"], origin=page.url)
    open_calls(page)
    call = next(each for each in page.all("#call-list li") if "/auth/token" in each.text)
    call.find_element("css selector", "button").click()
    until(lambda: "Copied" in call.text, "the copy")
    copied = str(page.run("return navigator.clipboard.readText()"))
    pasted = subprocess.run(
        ["bash", "-c", copied], capture_output=True, timeout=PATIENCE, check=True
    )
    assert json.loads(pasted.stdout)["token_type"] == "Bearer"


def test_every_endpoint_is_there_and_readable(page: Page) -> None:
    until(lambda: bool(page.all("#endpoint-list details")), "the endpoints")
    page.run(
        "document.querySelectorAll('#endpoint-list details').forEach((each) => (each.open = true))"
    )
    shown = {
        each.text.split("\n")[0] + " " + each.text.split("\n")[1]
        for each in page.all("#endpoint-list details")
    }
    assert {f"{route.method} {route.template}" for route in ROUTES} == shown
    send = next(
        each
        for each in page.all("#endpoint-list details")
        if each.text.startswith("POST\n/v1/messages")
    )
    for words in ("Send a message", '"content": "Hello, Bob!"', "202", "log_unavailable"):
        assert words in send.text


def test_by_keyboard_alone(page: Page) -> None:
    tab_to(page, "text-a")
    focused = page.browser.switch_to.active_element
    assert focused.value_of_css_property("outline-style") != "none", "one sees where one is"
    focused.send_keys("line one", Keys.SHIFT, Keys.ENTER, Keys.NULL, "line two", Keys.ENTER)
    sent = page.messages("a")[-1]
    assert sent.text == "line one\nline two"
    page.await_status("a", sent.id, "DELIVERED")
    tab_to(page, "resend-a").send_keys(Keys.SPACE)
    until(lambda: "one message" in page.messages("a")[-1].note, "the second send")
    tab_to(page, "offline-b").send_keys(Keys.ENTER)
    until(lambda: page.hook("offline-b").text == "Come back", "bob to be offline")
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    until(lambda: page.state("b") != "" and page.hook("offline-b").text == "Go offline", "bob")


def test_a_page_that_nobody_looks_at_asks_nothing(page: Page) -> None:
    page.run(
        """
        const fetched = window.fetch;
        window.asked = [];
        window.fetch = (...call) => {
          window.asked.push(document.hidden);
          return fetched(...call);
        };
        """
    )
    shown = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    # Twelve polls, if they went on.
    page.browser.execute_async_script("setTimeout(arguments[0], 6000)")
    page.browser.close()
    page.browser.switch_to.window(shown)
    until(lambda: cast("list[bool]", page.run("return window.asked"))[-1:] == [False], "a poll")
    asked = cast("list[bool]", page.run("return window.asked"))
    assert asked.count(True) <= 2 * CALLS_OF_A_POLL, "what was under way may end"


def test_who_writes_before_the_login_is_done_loses_nothing(page: Page) -> None:
    page.open(page.url)
    sent = page.write("a", "Early")
    page.await_status("b", sent, "DELIVERED")
    page.hook("resend-a").click()
    until(lambda: "one message" in str(page.message("a", sent)), "the second send")


def test_who_goes_offline_before_the_login_is_done_is_offline_after_it(page: Page) -> None:
    page.open(page.url)
    page.hook("offline-b").click()
    sent = page.write("a", "Are you up?")
    page.await_status("a", sent, "PENDING", "SENT")
    until(lambda: page.state("b").startswith("offline"), "bob to be logged in, and offline")
    assert page.message("b", sent) is None
    page.hook("offline-b").click()
    page.await_status("b", sent, "DELIVERED")


def test_what_left_the_screen_before_it_was_read_is_confirmed_too(
    page: Page, alice: Caller, service: Service
) -> None:
    """More wait than the screen shows."""
    page.hook("offline-b").click()
    for number in range(MOST_SHOWN + 20):
        assert alice.send(CONVERSATION, f"line {number}").status == 202
    page.hook("offline-b").click()
    with Caller(service.url) as bob:
        bob.log_in("bob")
        until(lambda: bob.call("GET", "/v1/inbox").rows("messages") == [], "all to be confirmed")


def open_calls(page: Page) -> None:
    def are_open() -> bool:
        page.run(
            "document.querySelectorAll('#call-list details').forEach((each) => (each.open = true))"
        )
        return "Copy as curl" in page.hook("calls").text

    until(are_open, "the calls to be open")


def calls_of(page: Page, name: str) -> list[str]:
    shown = "return [...document.querySelectorAll('#call-list .by')].map((each) => each.innerText)"
    return [text for text in cast("list[str]", page.run(shown)) if text.startswith(name)]


def tab_to(page: Page, hook: str) -> WebElement:
    """Press Tab until the focus is there."""
    for _ in range(200):
        focused = page.browser.switch_to.active_element
        if focused.get_attribute("data-testid") == hook:
            return focused
        focused.send_keys(Keys.TAB)
    raise AssertionError(f"{hook} is not reached")
