"""Every page of the book, on a screen and on a phone, light and dark."""

import re
import time
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.browser import checks
from tests.browser.conftest import DESKTOP, PHONE

TALL = 10_000
"""Pixels of a long table's page that a screenshot shows."""


def test_page_is_sound(page: Page, book: Path, page_name: str):
    page.goto(f"/{page_name}", wait_until="networkidle")
    wrong = checks.images(page)
    for width in (PHONE, DESKTOP):
        page.set_viewport_size(width)
        wrong += checks.sideways(page)
        picture = book.parent / "screenshots" / str(width["width"]) / f"{page_name}.png"
        top = {"x": 0, "y": 0, "width": width["width"], "height": TALL}
        page.screenshot(path=picture, full_page=True, clip=top, animations="disabled")
    wrong += checks.axe(page, "dark") + checks.axe(page, "light")
    assert not wrong, "\n".join(wrong)


def test_links_and_anchors_hold(book: Path):
    assert checks.broken_links(book) == []


def test_tables_of_results_have_the_papers_numbers(page: Page):
    page.goto("/book/results.html")
    numbers = page.locator("table.results caption .caption-number").all_inner_texts()
    assert [number.strip() for number in numbers] == ["Table 1", "Table 2", "Table 3"]


def test_first_page_is_found_also_where_it_comes_late(page: Page):
    def late(route: Route) -> None:  # what the page that leads there lacks is asked for meanwhile
        time.sleep(1)
        route.continue_()

    page.route("**/book/intro.html", late)
    page.goto("/index.html")
    expect(page).to_have_url(re.compile("/book/intro.html$"))


def test_search_finds_epidural(page: Page):
    page.goto("/search.html?q=epidural")
    found = page.locator("#search-results li a")
    expect(found.first).to_be_visible()
    # results arrive one by one
    expect(found.filter(has_text="Glossary").first).to_be_visible()


def test_keyboard_reaches_the_text_and_the_menu(page: Page):
    page.goto("/book/results.html")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_contain_text("Skip to main content")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.partition('#')[0]}#main-content")
