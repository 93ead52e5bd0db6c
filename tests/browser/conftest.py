"""The built book in a real browser (Chromium), served over http from this machine.

`make test` builds the book and runs this folder on it; elsewhere LCGAN_BOOK names the folder of the
pages, else the newest book under _build is taken.
"""

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
WAIT = 120_000
"""Milliseconds: a machine that does much else at once may take as long to draw a chart."""
expect.set_options(timeout=WAIT)
Window = tuple[BrowserContext, str]
"""A window of the browser, and the address of what it shows."""


def built_book() -> Path | None:
    """Folder of the pages to test, None where no book was built."""
    if named := os.environ.get("LCGAN_BOOK"):
        return Path(named).resolve()
    books = (ROOT / "_build" / "book").glob("*/_build/html")
    return max(books, key=lambda html: html.stat().st_mtime, default=None)


def page_names(html: Path) -> list[str]:
    """Every page of a built book; the first one's redirect is none."""
    names = (path.relative_to(html).as_posix() for path in sorted(html.rglob("*.html")))
    return [name for name in names if name != "index.html" and not name.startswith("_")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `page_name` runs once for each page."""
    if "page_name" in metafunc.fixturenames:
        html = built_book()
        metafunc.parametrize("page_name", page_names(html) if html else ["no book"])


@pytest.fixture(scope="session")
def book() -> Path:
    html = built_book()
    if html is None:
        pytest.skip("no book was built; `make book` makes one")
    assert (html / "index.html").is_file(), f"{html} holds no book"
    return html


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine; `apt install chromium` brings it")
    with sync_playwright() as playwright:
        # CI runs as root, where Chromium's sandbox does not start; the pages are our own
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, many over one connection, without telling every request."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ConnectionError):  # the window was closed
            super().handle()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder that is served while the block runs."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        # looks every so often whether it is to end, and the test waits for that
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def window(browser: Browser, folder: Path) -> Iterator[Window]:
    """Tabs that show a folder, which is served meanwhile, and share what they have fetched."""
    with (
        served(folder) as address,
        browser.new_context(base_url=address, viewport=DESKTOP) as context,
    ):
        context.set_default_timeout(WAIT)
        yield context, address


@contextmanager
def watched(window: Window) -> Iterator[tuple[Page, list[str]]]:
    """A new tab, and the list to which all that goes wrong on it is added."""
    context, address = window
    with context.new_page() as page:
        wrong: list[str] = []

        def request(sent) -> None:
            if not sent.url.startswith((address, "data:", "blob:")):
                wrong.append(f"{page.url} asks another host for {sent.url}")

        def response(got) -> None:
            if got.status >= 400:
                wrong.append(f"{page.url} asks for {got.url}: {got.status}")

        def console(message) -> None:
            if message.type == "error":
                wrong.append(f"{page.url} says {message.text}")

        page.on("request", request)
        page.on("response", response)
        page.on("console", console)
        page.on("pageerror", lambda error: wrong.append(f"{page.url} fails with {error}"))
        yield page, wrong


@pytest.fixture(scope="session")
def book_window(book: Path, browser: Browser) -> Iterator[Window]:
    """Where all tests show the built book."""
    with window(browser, book) as shown:
        yield shown


@pytest.fixture
def page(book_window: Window) -> Iterator[Page]:
    """An empty tab of the served book (`page.goto("/book/results.html")`).

    The test fails at its end where a page said an error or asked for what is missing or elsewhere.
    """
    with watched(book_window) as (tab, wrong):
        yield tab
    assert wrong == []


@pytest.fixture
def broken(tmp_path: Path, browser: Browser) -> Iterator[Callable[[str], tuple[Page, list[str]]]]:
    """Shows a page with the given body: the page, and what went wrong on it."""
    with window(browser, tmp_path) as shown, watched(shown) as (tab, wrong):

        def show(body: str) -> tuple[Page, list[str]]:
            head = '<html lang="en"><title>A page</title><link rel="icon" href="data:,">'
            (tmp_path / "page.html").write_text(f"<!doctype html>{head}<main>{body}</main>")
            tab.goto("/page.html", wait_until="networkidle")
            return tab, wrong

        yield show
