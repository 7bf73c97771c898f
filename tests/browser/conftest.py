"""One browser for all of these tests, on services of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.acceptance.service import Service, running
from tests.browser.chromium import Page, chromium

PRESENCE_WINDOW_S = "2"
"""Seconds; so that nobody waits long for somebody to be offline."""

FOLDER = Path(__file__).parent


# Before the one of all tests, which puts them in the order of their
# groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not item.get_closest_marker("engines"):
                item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def browser() -> Iterator[webdriver.Chrome]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with running(folder, ANGARIUM_PRESENCE_WINDOW=PRESENCE_WINDOW_S) as started:
        yield started


@pytest.fixture(scope="module")
def opened(browser: webdriver.Chrome, service: Service) -> Page:
    """The page, on which alice and bob are logged in, for the tests of
    a module.
    """
    page = Page(browser)
    page.open(f"{service.url}/")
    page.await_conversation()
    return page


@pytest.fixture
def page(opened: Page) -> Page:
    """The same, on a wide screen."""
    opened.resize(1400)
    opened.prefer("light")
    if opened.hook("offline-b").text == "Come back":
        opened.hook("offline-b").click()
    return opened
