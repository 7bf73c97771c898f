"""The page at `/` for everybody: wide and narrow, light and dark, with
labels and contrast.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import axe_core_python
import pytest

from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.service import Service, until
from tests.browser.chromium import Page

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
WIDTHS = (390, 1400)
LONG = "A long text that needs some lines on a phone, and on a desk as well. " * 12


@pytest.fixture(scope="module", autouse=True)
def filled(opened: Page, service: Service) -> None:
    """One of everything is on the page: each status, a refusal, calls
    and endpoints that are open.
    """
    with Caller(service.url) as alice:
        alice.log_in("alice").send(conversation_id("alice", "bob"), LONG)
    opened.resize(1400)
    opened.await_status("b", opened.write("a", "Hello"), "DELIVERED")
    opened.run("document.querySelector('[data-testid=text-a]').value = 'x'.repeat(10_241)")
    opened.hook("send-a").click()
    until(lambda: opened.messages("a")[-1].status == "FAILED", "the refusal")
    opened.hook("resend-a").click()
    opened.hook("offline-b").click()
    opened.await_status("a", opened.write("a", "Later"), "PENDING", "SENT")
    opened.write("b", "Waits")
    for part in ("#call-list", "#endpoint-list"):
        until(lambda part=part: bool(opened.all(f"{part} details")), part)  # type: ignore[misc]
        opened.run(
            f"[...document.querySelectorAll('{part} details')].slice(0, 3)"
            ".forEach((each) => (each.open = true))"
        )


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1400, "light")])
def test_labels_roles_and_contrast_are_right(page: Page, scheme: str, width: int) -> None:
    page.resize(width)
    page.prefer(scheme)
    # Colours change gently.
    page.run("document.getAnimations().forEach((each) => each.finish())")
    page.run(AXE)
    found = page.browser.execute_async_script("axe.run().then(arguments[0])")
    violations = cast("list[Mapping[str, object]]", found["violations"])
    assert len(found["passes"]) > 20, "it looked at something"
    assert [json.dumps(each, indent=1)[:3000] for each in violations] == []


@pytest.mark.parametrize("width", [320, *WIDTHS])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.resize(width)
    assert page.too_wide() == []


def test_two_people_are_side_by_side_where_there_is_room(page: Page) -> None:
    def tops() -> set[object]:
        return {page.hook(f"user-{letter}").rect["y"] for letter in "ab"}

    assert len(tops()) == 1
    page.resize(390)
    assert len(tops()) == 2


def test_it_is_light_or_dark_as_one_likes(page: Page) -> None:
    def brightness(selector: str) -> int:
        colour = page.find(selector).value_of_css_property("background-color")
        return sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3])

    bright = {selector: brightness(selector) for selector in ("body", ".card", ".own .text")}
    page.prefer("dark")
    for selector, light in bright.items():
        assert light > 3 * 200
        assert brightness(selector) < 3 * 90


def test_what_can_be_pressed_is_large_enough_for_a_finger(page: Page) -> None:
    page.resize(390)
    for control in page.all("button, summary, input, textarea"):
        if control.is_displayed():
            assert control.rect["height"] >= 24, control.text
