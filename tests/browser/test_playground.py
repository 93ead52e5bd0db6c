"""The playground paints what PyTorch paints, from a server and a folder, by mouse and by keys."""

import json
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from lcgan_core.book import build, bundle, contents, places, weights
from lcgan_core.book.pages import playground
from lcgan_core.generators import scale
from lcgan_core.generators.lcgan import generator
from lcgan_core.models.generator import NOISY_BLOCKS
from lcgan_core.training.encoding import encode_mask, to_image
from tests.book.models import model
from tests.browser import checks
from tests.browser.conftest import PHONE, WAIT, watched, window

SIZE, WIDTH = 128, 4
PAGE = "/book/playground.html"
KINDS = {
    0.025: {"mask_encoding": "rgb", "synthesis_scale": "port", "bottleneck_norm": True},
    0.1: {"mask_encoding": "rgb", "synthesis_scale": "matched", "bottleneck_norm": False},
    1.0: {"mask_encoding": "onehot", "synthesis_scale": "matched", "bottleneck_norm": True},
}
PATIENTS = {0.025: 6, 0.1: 23, 1.0: 226}


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> contents.Bundle:
    """The published run with generators of random weights."""
    folder = tmp_path_factory.mktemp("published") / "compact"
    shutil.copytree(places.RESULTS / "compact", folder)
    for fraction, kind in KINDS.items():
        place = folder / weights.FOLDER / f"{fraction:g}"
        model(place, fraction, PATIENTS[fraction], SIZE, width=WIDTH, **kind)
    bundle.seal(folder)
    return bundle.opened(folder)


@pytest.fixture(scope="module")
def site(published, tmp_path_factory):
    """The page with its scripts, as the book has them, without the book's theme."""
    place = tmp_path_factory.mktemp("site")
    static = place / "_static"
    shutil.copytree(places.ROOT / "book" / "_static", static)
    build._static(published, static)
    (place / "book").mkdir()
    head = '<html lang="en"><title>Draw</title><link rel="icon" href="data:,">'
    style = '<link rel="stylesheet" href="../_static/viewer.css">'
    room = '<meta name="viewport" content="width=device-width">'
    html = playground.texts(published)["playground"]
    (place / "book" / "playground.html").write_text(
        f"<!doctype html>{head}{room}{style}<main><h1>Draw</h1>{html}</main>"
    )
    return place


@pytest.fixture
def page(site, browser: Browser) -> Iterator[Page]:
    with window(browser, site) as shown, watched(shown) as (tab, wrong):
        yield tab
    assert wrong == []


@pytest.fixture
def folder_page(site, browser: Browser) -> Iterator[Page]:
    """The page opened from a folder, without any server."""
    with browser.new_context() as context:
        context.set_default_timeout(WAIT)
        tab = context.new_page()
        wrong: list[str] = []
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto((site / PAGE[1:]).as_uri())
        yield tab
        tab.close()
    assert wrong == []


def painted(page: Page) -> Locator:
    section = page.locator("section.playground")
    expect(section).to_have_attribute("data-state", "painted")
    return section


def started(page: Page) -> Locator:
    page.get_by_role("button", name="Start").click()
    return painted(page)


def colours(page: Page, canvas: str) -> np.ndarray:
    """(S, S, 4) uint8 of a canvas."""
    data = page.locator(f"canvas.{canvas}").evaluate(
        "it => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data]"
    )
    side = round((len(data) / 4) ** 0.5)
    return np.array(data, np.uint8).reshape(side, side, 4)


def labels(page: Page, published: contents.Bundle) -> torch.Tensor:
    return torch.tensor(playground._labels(colours(page, "drawn")[..., :3], published.classes))


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f'input[name="{name}"][value="{value}"]').check(force=True)


def draw(page: Page, *points: tuple[float, float]) -> None:
    """A stroke of the mouse; points in proportions of the mask's sides."""
    box = page.locator("canvas.marks").bounding_box()
    assert box
    for k, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if k == 0:
            page.mouse.down()
    page.mouse.up()


def by_torch(place, mask: torch.Tensor, kept: torch.Tensor) -> np.ndarray:
    """What PyTorch paints with a model and the bits of noise that the page drew."""
    told, tensors = weights.read(place)
    settings = told.config.lcgan
    made = generator(settings, SIZE, len(told.lesions)).float().cpu()
    made.load_state_dict(tensors)
    made.noise = False
    bits = iter(kept.float().split([tensors[f"decoder.{k}.1.bias"].numel() * 4 ** (k + 1)
                                    for k in range(NOISY_BLOCKS)]))  # fmt: skip
    for block in made.decoder[:NOISY_BLOCKS]:
        block.register_forward_hook(lambda _, given, out: out * next(bits).view_as(out) * 2)
    matched = settings.synthesis_scale == "matched"
    given = scale.enlarge(mask[None]) if matched else mask[None]
    with torch.no_grad():
        out = made(encode_mask(given, settings.mask_encoding, len(told.lesions)))
    return to_image(scale.reduce(out) if matched else out)[0].numpy()


def noise(page: Page, place, seed: int) -> torch.Tensor:
    tensors = weights.read(place)[1]
    count = sum(tensors[f"decoder.{k}.1.bias"].numel() * 4 ** (k + 1) for k in range(NOISY_BLOCKS))
    return torch.tensor(
        page.evaluate("given => [...playgroundEngine().noise(...given)]", [seed, count])
    )


@pytest.mark.parametrize("fraction", KINDS)
def test_a_drawn_mask_is_painted_as_by_pytorch(page: Page, published, fraction):
    page.goto(PAGE)
    started(page)
    choose(page, "generator", f"{fraction:g}")
    page.get_by_role("button", name="Clear").click()
    choose(page, "brush", "2")
    draw(page, (0.4, 0.4), (0.6, 0.5), (0.6, 0.7))
    choose(page, "brush", "5")
    draw(page, (0.2, 0.3), (0.2, 0.7))
    page.get_by_role("button", name="New noise").click()
    said = page.locator("[data-said]")
    expect(said).to_contain_text(f"trained on {PATIENTS[fraction]} patients, noise 2")
    expect(said).to_contain_text("SDH")
    painted(page)
    mask = labels(page, published)
    assert set(mask.unique().tolist()) == {0, 2, 5}
    (path,) = [p for p in weights.folders(published) if p.name == f"{fraction:g}"]
    expected = by_torch(path, mask, noise(page, path, 2)).astype(int)
    shown = colours(page, "painted")[..., :3].astype(int)
    assert np.abs(shown - expected[..., None]).max() <= 1
    # a fifth of a matched slice is the air around the enlarged head
    assert ((expected > 0) & (expected < 255)).mean() > 0.75 and expected.std() > 20
    other = by_torch(path, mask, noise(page, path, 3))
    assert np.abs(other - expected).max() > 10, "noise that changes nothing tests nothing"


def test_noise_is_a_fair_coin(page: Page):
    page.goto(PAGE)
    bits = np.array(page.evaluate("[1, 2].map(seed => [...playgroundEngine().noise(seed, 20000)])"))
    assert set(bits.ravel()) == {0, 1}
    # five standard deviations of 20,000 coins, and of 20,000 pairs of coins
    assert np.abs(bits.mean(1) - 0.5).max() < 5 * 0.5 / 20000**0.5
    assert abs((bits[0] == bits[1]).mean() - 0.5) < 5 * 0.5 / 20000**0.5


def test_it_works_from_a_folder(folder_page: Page, published):
    started(folder_page)
    mask = labels(folder_page, published)
    assert mask.any(), "an example is there at the start"
    path = weights.folders(published)[0]
    expected = by_torch(path, mask, noise(folder_page, path, 1)).astype(int)
    assert np.abs(colours(folder_page, "painted")[..., 0] - expected).max() <= 1


def test_nothing_is_loaded_before_the_button(page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(PAGE, wait_until="networkidle")
    assert not [url for url in asked if "/weights/" in url]
    started(page)
    assert [url.rpartition("/")[2] for url in asked if "/weights/" in url] == ["0.025.js"]


def test_keys_draw_and_undo(page: Page, published):
    page.goto(PAGE)
    started(page)
    page.get_by_role("button", name="Clear").click()
    choose(page, "brush", "3")
    page.locator("canvas.marks").focus()
    for name in ("Shift+ArrowRight", "ArrowDown", "+", "Enter"):
        page.keyboard.press(name)
    mask = labels(page, published)
    rows, columns = mask.nonzero().T
    assert mask[SIZE // 2 + 1, SIZE // 2 + 4] == 3
    assert (rows.max() - rows.min() + 1, columns.min()) == (11, SIZE // 2 + 4 - 5)
    page.get_by_role("button", name="Undo").click()
    assert not labels(page, published).any()
    expect(page.locator("[data-said]")).to_contain_text("no bleeding")


def test_eraser_and_examples(page: Page, published):
    page.goto(PAGE)
    started(page)
    page.get_by_role("button", name="Example: EDH").click()
    before = labels(page, published)
    assert (before == published.classes.labels["EDH"]).any()
    choose(page, "brush", "0")
    rows, columns = (int(values.float().median()) for values in before.nonzero().T)
    draw(page, ((columns + 0.5) / SIZE, (rows + 0.5) / SIZE))
    after = labels(page, published)
    assert 0 < (after > 0).sum() < (before > 0).sum()
    assert ((after == before) | (after == 0)).all()


def test_page_is_sound_on_a_phone(page: Page):
    page.set_viewport_size(PHONE)
    page.goto(PAGE)
    started(page)
    assert checks.sideways(page) + checks.axe(page, "light") == []
    heights = page.locator(".playground :is(button, fieldset label):visible").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
    shown, own = page.locator("canvas.painted").evaluate("it => [it.clientWidth, it.width]")
    assert shown % own == 0


def test_missing_weights_are_said(site, browser: Browser):
    with window(browser, site) as shown, watched(shown) as (tab, wrong):
        tab.route("**/weights/*.js", lambda route: route.abort())
        tab.goto(PAGE)
        tab.get_by_role("button", name="Start").click()
        expect(tab.locator("[data-said]")).to_contain_text("0.025.js are missing")
        # once they are there, the same button works
        tab.unroute("**/weights/*.js")
        tab.get_by_role("button", name="New noise").click()
        painted(tab)
    assert len(wrong) == 1 and "ERR_FAILED" in wrong[0], "only what the browser says of the file"


def test_facts_of_the_page_are_the_bundle_s(published):
    html = playground.texts(published)["playground"]
    facts = json.loads(html.split('<script type="application/json">')[1].split("</script>")[0])
    assert [one["patients"] for one in facts["generators"]] == [6, 23, 226]
    assert [one["matched"] for one in facts["generators"]] == [False, True, True]
    assert sum(length for _, length in facts["head"]) == SIZE**2
    code = encode_mask(torch.arange(6)[None, None], "rgb", 5)[0, :, 0].T
    assert torch.allclose(torch.tensor(facts["generators"][0]["code"]), code)
