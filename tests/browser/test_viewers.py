"""Viewers, charts and tables of the built book do what they are there for, by hand and by key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WAIT

SLICES = "Mask, synthetic slice and original"
COPIES = "Original slice and traditional copy"
EPOCHS = "The slice generated from a mask by each snapshot"
CURVES = "Dice, precision and recall against the fraction of the patients"
FORESTS = "Differences between arms"


def viewer(page: Page, label: str) -> Locator:
    return page.locator(f'.viewer[aria-label="{label}"]')


def rows_of(form: Locator) -> list[dict[str, str]]:
    return json.loads(form.locator("script").text_content() or "")


def key(place: Locator, name: str, times: int = 1) -> None:
    place.focus()
    for _ in range(times):
        place.page.keyboard.press(name)


def csv(book: Path, name: str) -> pd.DataFrame:
    """A CSV that the built book offers."""
    return pd.read_csv(next(book.rglob(name)))


def test_divider_uncovers_either_slice(page: Page):
    page.goto("/book/results.html")
    form = viewer(page, COPIES)
    picture = form.locator(".wipe .layers")
    picture.scroll_into_view_if_needed()
    loaded(picture, "img:not(.tint)")
    cut = form.locator('input[name="cut"]')
    seen = []
    for name, covered in (("Home", "left"), ("End", "right")):
        key(cut, name)
        with hidden(cut):  # the picture alone
            seen.append(inside(picture))
            with hidden(form.locator(f".side.{covered}")):
                assert np.array_equal(inside(picture), seen[-1]), f"{covered} slice seen at {name}"
    assert not np.array_equal(*seen)


def loaded(picture: Locator, images: str) -> None:
    """Wait until some images of a picture can be painted."""
    picture.evaluate(
        "(node, images) => Promise.all([...node.querySelectorAll(images)].map(i => i.decode()))",
        images,
    )


def inside(picture: Locator) -> np.ndarray:
    """Pixels of a picture; its border, which may lie between two pixels of the screen, left out."""
    return np.array(Image.open(BytesIO(picture.screenshot())).convert("RGB"))[4:-4, 4:-4]


@contextmanager
def hidden(place: Locator) -> Iterator[None]:
    place.evaluate("node => { node.style.visibility = 'hidden'; }")
    yield
    place.evaluate("node => { node.style.visibility = ''; }")


def test_divider_follows_a_finger(page: Page):
    page.goto("/book/results.html")
    form = viewer(page, COPIES)
    picture = form.locator(".wipe .layers")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 3)
    assert abs(int(form.locator('input[name="cut"]').input_value()) - 25) <= 1


@pytest.mark.parametrize("label", [SLICES, COPIES, EPOCHS])
def test_every_picture_of_a_viewer_loads(page: Page, label: str):
    page.goto("/book/results.html")
    form = viewer(page, label)
    paths = {value for row in rows_of(form) for value in row.values() if value.endswith(".webp")}
    assert paths
    sizes = page.evaluate(
        """paths => Promise.all(paths.map(async path => {
            const image = new Image();
            image.src = path;
            await image.decode();
            return image.naturalWidth;
        }))""",
        sorted(paths),
    )
    assert len(set(sizes)) == 1


def test_mask_synthetic_slice_and_original_stand_in_a_row(page: Page):
    page.goto("/book/results.html")
    boxes = [one.bounding_box() for one in viewer(page, SLICES).locator("figure.slice").all()]
    tops = {box["y"] for box in boxes if box}
    assert len(boxes) == 3 and len(tops) == 1


def test_choice_by_keyboard_shows_that_row(page: Page):
    page.goto("/book/results.html")
    form = viewer(page, SLICES)
    rows = rows_of(form)
    key(form.locator('input[name="share"]:checked'), "ArrowRight")
    key(form.locator('input[name="lesion"]:checked'), "ArrowRight")
    key(form.locator('input[name="case"]:checked'), "ArrowRight")
    chosen = {
        name: form.locator(f'input[name="{name}"]:checked').input_value()
        for name in ("share", "lesion", "case")
    }
    (row,) = [row for row in rows if chosen.items() <= row.items()]
    assert row["case"] == "2"
    for field in ("mask", "real", "synthetic"):
        expect(form.locator(f'img[data-show="{field}"]').first).to_have_attribute("src", row[field])
    expect(form.locator('[data-show="said"]')).to_have_text(row["said"])


def test_what_a_share_lacks_cannot_be_chosen(page: Page):
    page.goto("/book/results.html")
    form = viewer(page, SLICES)
    rows = rows_of(form)
    for share in dict.fromkeys(row["share"] for row in rows):
        form.locator(f'input[name="share"][value="{share}"]').check(force=True)
        offered = form.locator('input[name="lesion"]:enabled')
        lesions = [offered.nth(k).input_value() for k in range(offered.count())]
        assert set(lesions) == {row["lesion"] for row in rows if row["share"] == share}
        assert form.locator('input[name="lesion"]:checked').input_value() in lesions


def test_slider_goes_from_epoch_to_epoch(page: Page, book: Path):
    page.goto("/book/results.html")
    form = viewer(page, EPOCHS)
    kept = csv(book, "fig3.csv")
    share = form.locator('input[name="share"]:checked').input_value()
    lesion = form.locator('input[name="lesion"]:checked').input_value()
    of_mask = kept[(kept.fraction.map("{:.4g}".format) == f"{float(share[:-1]) / 100:.4g}")]
    of_mask = of_mask[of_mask.lesion == lesion].sort_values("epoch")
    assert len(of_mask) > 1
    slider = form.locator('input[name="epoch"]')
    for row in of_mask[::-1].itertuples():
        expect(slider).to_have_attribute("aria-valuetext", str(row.epoch))
        expect(form.locator('[data-show="judge"]')).to_have_text(f"{row.judge:.3f}".lstrip("0"))
        expect(form.locator('[data-show="sharpness"]')).to_have_text(f"{row.sharpness:.0f}")
        source = form.locator('img[data-show="synthetic"]').get_attribute("src") or ""
        assert source.endswith(f"/{row.synthetic}")
        key(slider, "ArrowLeft")


def test_lesions_are_coloured_on_demand(page: Page):
    page.goto("/book/results.html")
    form = viewer(page, COPIES)
    picture = form.locator(".wipe .layers")
    picture.scroll_into_view_if_needed()
    loaded(picture, "img:not(.tint)")
    before = picture.screenshot()
    key(form.locator('input[name="tint"]'), "Space")
    expect(picture.locator("img.tint").first).to_be_visible()
    loaded(picture, "img.tint")
    assert picture.screenshot() != before


@pytest.mark.parametrize("width", [1280, 390])
def test_pixels_are_enlarged_by_a_whole_number(page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/book/results.html")
    for label in (SLICES, COPIES, EPOCHS):
        image = viewer(page, label).locator("img").first
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
        shown, own = image.evaluate("image => [image.clientWidth, image.naturalWidth]")
        assert shown % own == 0 and shown <= width
        assert image.evaluate("image => getComputedStyle(image).filter") == "none"


def drawn(page: Page, label: str) -> Locator:
    charts = viewer(page, label)
    charts.scroll_into_view_if_needed()
    expect(charts.locator(".plot .scatterlayer")).to_have_count(charts.locator(".plot").count())
    return charts


def number(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def test_point_tells_the_value_of_results_csv(page: Page, book: Path):
    page.goto("/book/results.html")
    charts = drawn(page, CURVES)
    results = csv(book, "results.csv")
    image = results[(results.metric == "dice_image") & (results.lesion == "all")]
    row = image[image.arm == "both"].sort_values("fraction").iloc[-1]
    # lines: ours and the paper's without, ours and the paper's with both kinds of copy
    line = charts.locator(".plot").first.locator(".scatterlayer .trace").nth(2)
    line.locator(".point").last.hover(force=True)
    told = f"{number(row.value)} ({number(row.ci_low)} to {number(row.ci_high)})"
    expect(charts.locator(".hovered")).to_have_text(
        f"Dice per image: ours: + both, 100%, {told}, n = {row.n}"
    )
    place = "all_results.html#results-fcn8s-1-both-dice_image-all"
    expect(charts.locator(".hovered a")).to_have_attribute("href", place)
    expect(charts.locator(".plot").first.locator(".hoverlayer")).to_contain_text(told)


def test_arrow_keys_tell_every_difference(page: Page, book: Path):
    page.goto("/book/controls.html")
    charts = drawn(page, FORESTS)
    told = []
    plot = charts.locator(".plot").first
    page.mouse.move(0, 0)
    page.keyboard.press("Tab")  # from here on the focus is the keyboard's
    plot.focus()
    for _ in range(5):
        told.append(charts.locator(".hovered").text_content() or "")
        page.keyboard.press("ArrowRight")
        expect(charts.locator(".hovered")).not_to_have_text(told[-1])
    assert len(set(told)) == 5
    differences = csv(book, "differences.csv")
    share = differences.fraction.min()
    rows = differences[(differences.fraction == share) & (differences.metric == "dice_image")]
    row = rows[(rows.lesion == "all") & (rows.arm == "gan")].iloc[0]
    assert row.baseline == "original"
    assert f"gan − original, {row.value:+.3f}".replace("0.", ".", 1) in told[0]


def test_charts_take_the_theme_s_colours(page: Page):
    page.goto("/book/results.html")
    charts = drawn(page, CURVES)
    label = charts.locator(".xtick text").first
    colours = []
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        text = charts.evaluate("node => getComputedStyle(node).color")
        expect(label).to_have_css("fill", text)
        colours.append(text)
    assert colours[0] != colours[1]


def test_library_is_fetched_only_where_a_chart_is(page: Page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/book/glossary.html", wait_until="networkidle")
    assert not [url for url in asked if "plotly" in url]
    page.goto("/book/results.html", wait_until="networkidle")
    assert not [url for url in asked if "plotly" in url], "the chart is far below"
    drawn(page, CURVES)
    assert len([url for url in asked if "plotly" in url]) == 1


def test_table_sorts_by_click_and_key(page: Page):
    page.goto("/book/controls.html")
    page.locator("summary", has_text="All candidates").click()
    table = page.locator("table.sortable", has_text="sharpness").first
    headings = table.locator("thead th").all_inner_texts()
    column = [heading.startswith("sharpness") for heading in headings].index(True)
    heading = table.locator("thead th").nth(column)

    def values() -> list[float]:
        cells = table.locator(f"tbody td:nth-child({column + 1})").all_inner_texts()
        return [float(cell) for cell in cells]

    before = values()
    heading.get_by_role("button").click()
    assert values() == sorted(before) != before
    expect(heading).to_have_attribute("aria-sort", "ascending")
    key(heading.get_by_role("button"), "Enter")
    assert values() == sorted(before, reverse=True)
    expect(heading).to_have_attribute("aria-sort", "descending")
    # words and signs stand below numbers, whichever way
    epochs = table.locator("thead th").nth([h.startswith("epoch") for h in headings].index(True))
    for _ in range(2):
        key(epochs.get_by_role("button"), "Space")
        assert table.locator("tbody tr").last.inner_text().count("training slices") == 1
    expect(heading).not_to_have_attribute("aria-sort", "descending")


def test_paper_and_no_script_show_the_still_picture(page: Page):
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto("/book/results.html", wait_until="networkidle")
    still = "#fig-results-6 img"
    expect(viewer(page, SLICES)).to_be_visible()
    expect(page.locator(still)).to_be_hidden()
    assert "fig6.png" not in asked
    with page.expect_request("**/fig6.png"):
        page.pdf()
    page.emulate_media(media="print")
    expect(viewer(page, SLICES)).to_be_hidden()
    browser = page.context.browser
    assert browser
    with browser.new_context(java_script_enabled=False) as context:
        context.set_default_timeout(WAIT)
        plain = context.new_page()
        plain.goto(page.url)
        expect(viewer(plain, SLICES)).to_be_hidden()
        expect(plain.locator(still)).to_be_visible()
