"""A real browser on the viewer's page: finds controls by what people read on them, and looks at the picture."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SIZE = 1000, 760
"""Of the window, pixels: software draws it, so it is small."""
LEFT, RIGHT = 320, 600
"""What is looked at, pixels: the scene between notices and panels."""
BLOCK = 10
"""Pixels along a side of what is compared: a browser that is slow draws in a lower resolution, and back again."""
PATIENCE_S = 120.0
"""Machines that test are busy."""
AFTER_FRAMES = """
let left = arguments[0]; const done = arguments[1];
const frame = () => left-- > 0 ? requestAnimationFrame(frame) : done();
frame();
"""
"""Goes on when the browser has drawn so many frames."""
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
"""Where screenshots are kept; git ignores it."""
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={SIZE[0]},{SIZE[1]}",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--hide-scrollbars",
)  # fmt: skip


def open_browser() -> Any:
    """A headless Chromium that draws in software; skips the test where there is none."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra dev)")
    from selenium.webdriver.chrome.service import Service

    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium with its driver; on Debian: apt install chromium chromium-driver")
    options = selenium.ChromeOptions()
    options.binary_location = binary
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = selenium.Chrome(options=options, service=Service(driver))
    browser.set_page_load_timeout(2 * PATIENCE_S)
    browser.set_script_timeout(PATIENCE_S)
    return browser


def wait_until(true: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait for something; returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        try:
            result = true()
        except LookupError:
            result = None
        if result:
            return result
        assert time.monotonic() < end, f"{what} did not come about within {seconds:g} s"
        time.sleep(0.1)


class Page:
    """One tab of the browser on a viewer's page."""

    def __init__(self, browser: Any, url: str | None) -> None:
        """Open the page, unless it is (None), and wait until it is connected and has drawn something."""
        self.browser = browser
        if url is not None:
            browser.get(url)
        wait_until(lambda: self.element("//*[@role='tab'][@title='Play']"), "the page")
        wait_until(lambda: self.element("//canvas"), "the canvas")
        self.errors()  # what the tab's last page said as it lost its server is not this one's

    def element(self, path: str) -> Any:
        """The first visible thing that an XPath finds.

        Raises:
            LookupError: There is none.
        """
        from selenium.common.exceptions import StaleElementReferenceException

        for found in self.browser.find_elements("xpath", path):
            try:
                if found.is_displayed():
                    return found
            except StaleElementReferenceException:
                continue
        raise LookupError(path)

    def press(self, path: str) -> None:
        """Click on what an XPath finds, once it is there."""
        found = wait_until(lambda: self.element(path), path)
        self.browser.execute_script(
            "arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", found
        )

    def tab(self, name: str) -> None:
        """Go to a tab; tabs can be dragged, so it takes a real click."""
        path = f"//*[@role='tab'][@title='{name}']"

        def there() -> bool:
            if self.element(path).get_attribute("aria-selected") != "true":
                self.element(path).click()
            return self.element(path).get_attribute("aria-selected") == "true"

        wait_until(there, f"tab {name}")

    def button(self, label: str) -> None:
        """Press the button with exactly this text."""
        self.press(f"//button[.//span[normalize-space()='{label}']]")

    def checkbox(self, label: str) -> None:
        """Switch a checkbox."""
        name = wait_until(lambda: self.element(f"//label[.='{label}']"), label)
        box = self.browser.find_element("id", name.get_attribute("for"))
        self.browser.execute_script("arguments[0].click()", box)

    def choose(self, label: str, option: str) -> None:
        """Choose from a drop-down list the first entry that begins with a text."""
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.common.keys import Keys

        name = wait_until(lambda: self.element(f"//label[.='{label}']"), label)
        field = self.browser.find_element("id", name.get_attribute("for"))

        def chosen() -> bool:
            if not field.get_attribute("value").startswith(option):
                with contextlib.suppress(LookupError, WebDriverException):  # the list may be on its way still
                    field.click()
                    self.element(f"//*[@role='option'][starts-with(normalize-space(), '{option}')]").click()
                    field.send_keys(Keys.ESCAPE)
            return field.get_attribute("value").startswith(option)

        wait_until(chosen, f"{option} in {label}")

    def set(self, label: str, value: str) -> None:
        """Type a number into the field of a slider or of a number."""
        from selenium.webdriver.common.keys import Keys

        row = f"//label[.='{label}']/ancestor::*[.//input[@inputmode]][1]//input[@inputmode]"
        field = wait_until(lambda: self.element(row), label)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value, Keys.ENTER)

    def reload(self) -> None:
        """Load the page anew, and wait until it is there."""
        self.browser.execute_script("window.before = true")
        self.browser.refresh()
        wait_until(lambda: self.element("//*[@role='tab'][@title='Play']"), "the page")
        assert self.browser.execute_script("return window.before") is None

    def text(self) -> str:
        """What stands on the page."""
        return self.browser.find_element("tag name", "body").text

    def picture(self) -> np.ndarray:
        """What is seen of the scene: mean colours of blocks, (H, W, 3)."""
        from selenium.common.exceptions import TimeoutException

        for _ in range(10):
            try:
                png = self.browser.get_screenshot_as_png()
                break
            except TimeoutException:  # the browser's own limit, on a machine that is very busy
                continue
        else:
            pytest.fail("the browser takes no picture")
        self._last = png
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[:, LEFT:RIGHT]
        rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
        blocks = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3)
        return blocks.mean(axis=(1, 3))

    def keep(self, name: str) -> None:
        """Keep the last picture for people to look at."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        (SHOTS / f"{name}.png").write_bytes(self._last)

    def settled_picture(self) -> np.ndarray:
        """A picture after which nothing changes any more."""
        before, same = self.picture(), 0
        for _ in range(60):
            time.sleep(0.2)
            self.browser.execute_async_script(AFTER_FRAMES, 4)  # a busy machine draws seldom
            now = self.picture()
            same = same + 1 if np.abs(now - before).max() < 8 else 0
            if same == 2:
                return now
            before = now
        pytest.fail("the scene does not come to rest")

    def errors(self) -> list[str]:
        """What the browser's console calls an error."""
        return [line["message"] for line in self.browser.get_log("browser") if line["level"] == "SEVERE"]


def kill(browser: Any) -> None:
    """The browser dies at once, without a word to the page's server."""
    from selenium.common.exceptions import WebDriverException

    os.kill(browser.capabilities["goog:processID"], signal.SIGKILL)
    with contextlib.suppress(WebDriverException, OSError):  # its driver finds it dead
        browser.quit()
