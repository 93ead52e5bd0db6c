"""Every page of the book, on a screen and on a phone, light and dark."""

import gzip
import re
import time
from pathlib import Path

from playwright.sync_api import Page, Response, Route, expect

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
    if not page_name.startswith("book/api/"):  # these are alike: book/api.html stands for them
        wrong += checks.axe(page, "dark")
    wrong += checks.axe(page, "light")
    assert not wrong, "\n".join(wrong)


def test_links_and_anchors_hold(book: Path):
    assert checks.broken_links(book) == []


def test_tables_of_results_have_the_papers_numbers(page: Page):
    page.goto("/book/results.html")
    numbers = page.locator("table.results caption .caption-number").all_inner_texts()
    assert [number.strip() for number in numbers[:3]] == ["Table 1", "Table 2", "Table 3"]


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


def test_the_first_page_is_short_light_and_shows_slices_at_once(page: Page):
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto("/book/intro.html", wait_until="networkidle")
    words = page.locator("article").inner_text().split()
    assert len(words) <= 450
    # as a web server sends them; browsers ask for the icon of the tab whenever they like
    sent = {answer.url: len(gzip.compress(answer.body())) for answer in answers}
    assert sum(sent.values()) < 300_000, sent
    assert any(url.endswith("icons.woff") for url in sent)
    assert not any("fa-solid" in url for url in sent), "icons.woff lacks an icon of the page"
    if page.locator(".front-slices").count():  # a run on scans of people shows none
        first = page.locator(".front-slices img").first.bounding_box()
        assert first is not None and first["y"] < DESKTOP["height"]


def test_a_term_shows_its_definition_to_mouse_and_keyboard(page: Page):
    page.goto("/book/results.html")
    term = page.locator("a[data-definition]", has_text="interval").first
    told = page.get_by_role("tooltip")
    expect(told).to_be_hidden()
    term.hover()
    expect(told).to_contain_text("95 %")
    page.mouse.move(0, 0)
    expect(told).to_be_hidden()
    term.focus()
    expect(told).to_be_visible()
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()


def test_the_filter_leaves_the_rows_with_all_words(page: Page):
    page.goto("/book/all_results.html")
    field = page.locator("label.filter input").last
    table = page.locator("label.filter + table").last
    rows = table.locator("tbody tr")
    every = rows.count()
    field.fill("original recall")
    left = table.locator("tbody tr:visible")
    expect(left).not_to_have_count(every)
    assert all("original" in text and "recall" in text for text in left.all_inner_texts())
    expect(page.locator("label.filter output").last).to_have_text(f"{left.count()} of {every} rows")
