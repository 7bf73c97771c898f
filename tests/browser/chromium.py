"""Chromium without a window, and the page in it."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import pytest
from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.acceptance.service import PATIENCE, until

PROGRAMS = ("chromium", "chromedriver")
MISSING = "the page's tests need Chromium: apt-get install chromium chromium-driver"

_WATCHER = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
window.statuses = {};
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const box = target.closest?.("[data-testid=user-a] [data-testid=message]");
    if (!box) continue;
    const seen = (window.statuses[box.dataset.messageId] ??= []);
    if (seen.at(-1) !== box.dataset.status) seen.push(box.dataset.status);
  }
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
"""Runs before the page does: keeps what its policy had to stop, and
every status that a message of alice has had.
"""

_MESSAGES = """
const [letter] = arguments;
const found = document.querySelectorAll(`[data-testid=user-${letter}] [data-testid=message]`);
return [...found].map((box) => ({
  id: box.dataset.messageId,
  status: box.dataset.status,
  text: box.querySelector(".text").textContent,
  elements: box.querySelectorAll(".text *").length,
  way: [...box.querySelectorAll(".way li")].map((step) => step.innerText),
  note: box.querySelector(".note").textContent,
}));
"""

_TOO_WIDE = """
return [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .filter((each) => !each.closest(".unseen, .text"))
  .map((each) => each.outerHTML.slice(0, 100));
"""


@dataclass(frozen=True)
class Shown:
    """A message as one of the two people sees it.

    Attributes:
        id: The message's id.
        status: As the hook says it.
        text: The text.
        elements: How many elements the text has become.
        way: The steps of its way, as written.
        note: What is written below it.
    """

    id: str
    status: str
    text: str
    elements: int
    way: Sequence[str]
    note: str


class Page:
    """The page in a browser: what people read and do there."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self.browser = browser
        self.url = ""

    def open(self, url: str) -> None:
        self.url = url
        self._logged()
        self.browser.get(url)

    def await_conversation(self) -> None:
        for letter in "ab":
            until(lambda: self.state(letter) == "online", f"{letter} to be logged in")  # noqa: B023
            until(self.hook(f"text-{letter}").is_displayed, f"the conversation of {letter}")

    def hook(self, name: str) -> WebElement:
        return self.find(f"[data-testid={name}]")

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script: str, *arguments: object) -> object:
        return cast("object", self.browser.execute_script(script, *arguments))

    def command(self, name: str, **parameters: object) -> None:
        """Tell the browser something that no person can."""
        self.browser.execute_cdp_cmd(name, parameters)

    def messages(self, letter: str) -> list[Shown]:
        rows = cast("list[Mapping[str, object]]", self.run(_MESSAGES, letter))
        return [Shown(**row) for row in rows]  # type: ignore[arg-type]

    def write(self, letter: str, text: str) -> str:
        """Write a message and press the button; return its id."""
        self.hook(f"text-{letter}").send_keys(text)
        self.hook(f"send-{letter}").click()
        return self.messages(letter)[-1].id

    def message(self, letter: str, message_id: str) -> Shown | None:
        return next((each for each in self.messages(letter) if each.id == message_id), None)

    def await_status(self, letter: str, message_id: str, *statuses: str) -> Shown:
        def has_it() -> bool:
            shown = self.message(letter, message_id)
            return shown is not None and shown.status in statuses

        until(has_it, f"{message_id} of {letter} to be {statuses}")
        shown = self.message(letter, message_id)
        assert shown is not None
        return shown

    def statuses(self, message_id: str) -> list[str]:
        """Every status that a message of alice has had, in order."""
        seen = cast("Mapping[str, list[str]]", self.run("return window.statuses"))
        return seen[message_id]

    def state(self, letter: str) -> str:
        return self.find(f"[data-testid=user-{letter}] .state-text").text

    def resize(self, width: int, height: int = 900) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def too_wide(self) -> list[str]:
        """What reaches beyond the screen's right edge."""
        found = cast("list[str]", self.run(_TOO_WIDE))
        scrolls = self.run("return document.documentElement.scrollWidth > innerWidth")
        return [*found, *(["the page scrolls sideways"] if scrolls else [])]

    def complaints(self) -> list[str]:
        """What the page's policy stopped, and what the browser has to
        say about it.
        """
        violations = cast("list[str]", self.run("return window.violations"))
        return violations + self._logged()

    def _logged(self) -> list[str]:
        """Take what the browser's console has."""
        lines = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(line["message"]) for line in lines]


class PatientElement(WebElement):
    """An element that is clicked once nothing moves over it any more,
    as a person would.
    """

    def click(self) -> None:
        until(self._is_clicked, "nothing to lie over what is clicked")

    def _is_clicked(self) -> bool:
        try:
            super().click()
        except ElementClickInterceptedException:
            return False
        return True


class Browser(webdriver.Chrome):
    """Chromium whose elements are patient."""

    def create_web_element(self, element_id: str) -> WebElement:
        return PatientElement(self, element_id)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Run a browser for the length of a block; without one the tests
    are skipped, and fail under CI=true.
    """
    browser, driver = (shutil.which(name) for name in PROGRAMS)
    if browser is None or driver is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    # Its own sandbox does not start as root, and containers have little
    # shared memory.
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = Browser(options=options, service=Driver(driver))
    try:
        started.set_script_timeout(2 * PATIENCE)
        started.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCHER})
        yield started
    finally:
        started.quit()
