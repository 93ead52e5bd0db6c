"""Each check finds what it is there for, and lets a good page pass."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser import checks
from tests.browser.conftest import PHONE

Show = Callable[[str], tuple[Page, list[str]]]
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def test_good_page_is_good(broken: Show):
    page, wrong = broken(f'<h1>Good</h1><img src="{PIXEL}" alt="A grey pixel"><p>Text.</p>')
    page.set_viewport_size(PHONE)
    found = checks.images(page) + checks.axe(page, "light") + checks.sideways(page)
    assert wrong + found == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<img src="none.png" alt="">', "none.png: 404"),
        ("<script>undefined.x</script>", "fails with"),
        ("<script>console.error('oh')</script>", "says oh"),
        # a name that can never be looked up: nothing leaves this machine
        ('<img src="http://elsewhere.invalid/a.png" alt="">', "another host"),
    ],
)
def test_watch_sees(broken: Show, body: str, words: str):
    _, wrong = broken(body)
    assert any(words in sentence for sentence in wrong)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<img src="none.png" alt="A grey pixel">', "did not load"),
        (f'<img src="{PIXEL}">', "no alt text"),
        (f'<img src="{PIXEL}" alt="{PIXEL}">', "no alt text"),
    ],
)
def test_image_is_seen(broken: Show, body: str, words: str):
    assert words in checks.images(broken(body)[0])[0]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<p style="color: #bbb; background: #fff">pale</p>', "color-contrast"),
        ("<input>", "label"),
        (
            f'<div style="overflow: auto; width: 9em"><p>{"x" * 99}</p></div>',
            "scrollable-region-focusable",
        ),
    ],
)
def test_axe_sees(broken: Show, body: str, rule: str):
    assert rule in checks.axe(broken(body)[0], "light")[0]


def test_axe_sees_the_dark_theme(broken: Show):
    page, _ = broken('<style>[data-theme="dark"] p { color: #eee }</style><p>text</p>')
    assert checks.axe(page, "light") == []
    assert "color-contrast" in checks.axe(page, "dark")[0]


@pytest.mark.parametrize("body", ['<p style="width: 500px">wide</p>', "<p>" + "x" * 200])
def test_wide_page_is_seen(broken: Show, body: str):
    page, _ = broken(body)
    page.set_viewport_size(PHONE)
    assert checks.sideways(page)


def test_what_scrolls_within_itself_is_not_sideways(broken: Show):
    page, _ = broken('<div style="overflow: auto"><p style="width: 500px">wide</p></div>')
    page.set_viewport_size(PHONE)
    assert checks.sideways(page) == []


def test_broken_links_are_seen(tmp_path: Path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">1</a><a href="b.html#gone">2</a><a href="c.html">3</a>'
        '<a href="#top">4</a><a href="https://elsewhere.invalid/">5</a><p id="top">'
    )
    (tmp_path / "b.html").write_text('<p id="here">')
    found = checks.broken_links(tmp_path)
    assert len(found) == 2
    assert "b.html#gone" in found[0] and "c.html" in found[1]
