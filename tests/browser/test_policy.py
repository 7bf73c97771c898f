"""The page's policy holds, and its tests would see a violation."""

import pytest

from tests.acceptance.service import until
from tests.browser.chromium import Page

ATTEMPTS = {
    "an inline script": (
        "const s = document.createElement('script');"
        "s.append('window.hacked=1'); document.body.append(s)"
    ),
    "an inline style": (
        "const s = document.createElement('style'); s.append('*{}'); document.head.append(s)"
    ),
    "markup": "document.body.innerHTML = '<b>hacked</b>'",
    "another host": "fetch('http://127.0.0.2:9/').catch(() => {})",
    "a picture of another host": "new Image().src = 'http://127.0.0.2:9/x.png'",
    "a frame": "const f = document.createElement('iframe'); f.src = '/'; document.body.append(f)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_what_the_page_must_not_do_is_stopped_and_seen(page: Page, attempt: str) -> None:
    page.run("window.violations.length = 0")
    page.run(f"try {{ {attempt} }} catch {{}}")
    until(lambda: page.run("return window.violations.length") != 0, "the violation")
    assert page.run("return window.hacked") is None
    assert page.hook("user-a").is_displayed()
