"""The one browser of all tests that look at a page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, sync_playwright

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium; the test is skipped where there is none, and fails under CI=true."""
    found = next((path for name in (*COMMANDS, MACOS) if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no Chromium on PATH ({', '.join(COMMANDS)}); `apt-get install chromium` is one"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def offline(browser: Browser, width: int = 1440) -> Iterator[Any]:
    """A page without a network; in `complaints` what it logs, throws or asks of other machines."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.set_offline(True)
    page: Any = context.new_page()
    page.complaints = []

    def note_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            page.complaints.append(request.url)

    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", note_request)
    yield page
    context.close()
