"""Viewers: they show the pictures that the stages kept, their values, and controls with names."""

import json

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from lcgan_core.book import bundle, collect
from lcgan_core.book.figures import pictures
from lcgan_core.book.pages import origins, viewers
from lcgan_core.lesions import FIVE
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from tests.book import made

CONFIG = profiles.load("quick", draws=[2, 1, 1, 1])
VIEWERS = ("viewer_fig3", "viewer_fig5", "viewer_fig6")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The bundle of a run with made-up pictures, and the folders of two of its artefacts."""
    place = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        patch.setattr(collect, "DRAWN", {})
        made.finished(CONFIG)
        opened = bundle.opened(collect.collect(CONFIG, place / "bundle"))
        kept = {
            "fig3": artefacts.folder(CONFIG, Job("selection", "lcgan", 0.5)) / "viewer",
            "fig5": artefacts.folder(CONFIG, Job("augmentation", "traditional", 0.25)) / "viewer",
            "fig6": artefacts.folder(CONFIG, Job("augmentation", "gan", 1.0)) / "viewer",
        }
    return opened, kept


@pytest.fixture(scope="module")
def texts(run):
    return viewers.texts(run[0], origins.tables(run[0]))


@pytest.fixture(scope="module")
def pages(texts):
    return {name: BeautifulSoup(text, "html.parser") for name, text in texts.items()}


def rows_of(page):
    return pd.DataFrame(json.loads(page.find("script").string))


def csv(run, name):
    return pd.read_csv(run[0].folder / "viewers" / f"{name}.csv")


@pytest.mark.parametrize("name", ["fig3", "fig5", "fig6"])
def test_pictures_are_those_that_the_stages_kept(run, name):
    opened, kept = run
    for path in kept[name].glob("*.webp"):
        assert (opened.folder / "viewers" / path.name).read_bytes() == path.read_bytes()
    there, part = csv(run, name), pd.read_csv(kept[name] / f"{name}.csv")
    assert len(there.merge(part)) == len(part) > 0
    assert list(there.columns) == list(part.columns)


def test_figures_3_and_6_have_every_fraction_and_figure_5_the_middle_subset(run):
    for name in ("fig3", "fig6"):
        assert csv(run, name).fraction.unique().tolist() == list(CONFIG.fractions)
        assert not csv(run, name).duplicated().any()
    assert len(csv(run, "fig5")) == 1


def test_mask_real_and_synthetic_stand_in_one_row(run, pages):
    rows, kept = rows_of(pages["viewer_fig6"]), csv(run, "fig6")
    assert len(rows) == len(kept) == 4 * len(FIVE) * 2
    for row, of in zip(rows.itertuples(), kept.itertuples(), strict=True):
        assert row.share == f"{100 * of.fraction:g}%"
        assert (row.lesion, row.case) == (of.lesion, str(of.case))
        assert row.said == f"3.2 cm² of {of.lesion}"
        for part in ("mask", "real", "synthetic"):
            assert getattr(row, part) == f"../_static/viewers/{getattr(of, part)}"


def test_an_epoch_shows_its_picture_and_that_picture_s_scores(run, pages):
    rows, kept = rows_of(pages["viewer_fig3"]), csv(run, "fig3")
    for row, of in zip(rows.itertuples(), kept.itertuples(), strict=True):
        with Image.open(run[0].folder / "viewers" / of.synthetic) as picture:
            assert picture.getpixel((3, 3))[0] == of.epoch == int(row.epoch)
        assert row.synthetic.endswith(f"/{of.synthetic}")
        assert (row.judge, row.sharpness) == (".500", "12")
        assert row.probability_real == ("–" if of.lesion == "IPH" else "25%")
        assert row.chosen == ("yes" if of.epoch == 12 else "no")


def test_what_was_done_to_a_copy_is_said_in_words(pages):
    row = rows_of(pages["viewer_fig5"]).iloc[0]
    said = [row[name] for name in ("angle", "scale", "shear", "blur", "gain")]
    assert said == ["-13°", "× 1.09", "+2 in 256", "yes", "no"]


@pytest.mark.parametrize("name", VIEWERS)
def test_every_picture_that_can_be_chosen_is_there_and_has_a_place(run, pages, name):
    page = pages[name]
    rows = rows_of(page)
    for field in {img["data-show"] for img in page.find_all("img")}:
        for path in rows[field]:
            assert path.startswith("../_static/viewers/")
            assert (run[0].folder / "viewers" / path.rpartition("/")[2]).is_file()
    shown = {place["data-show"] for place in page.select("[data-show]")}
    controls = {field["name"] for field in page.find_all("input")} - {"tint", "cut"}
    assert shown | controls == set(rows.columns)
    # every value of a control is that of a row, and every row can be reached
    for field in controls:
        inputs = page.find_all("input", attrs={"name": field})
        given = [
            v for i in inputs for v in json.loads(i.get("data-values", json.dumps([i["value"]])))
        ]
        assert set(given) == set(rows[field])


def test_every_control_has_a_name_and_every_picture_a_text(pages):
    for name, page in pages.items():
        for control in page.find_all("input"):
            label = control.find_parent("label")
            assert control.get("aria-label") or label.get_text(strip=True), name
            if control["type"] == "radio":
                assert control.find_parent("fieldset").legend.get_text(strip=True)
        for img in page.find_all("img"):
            assert len(img["alt"].split()) > 2, name


def test_no_text_ends_its_html_by_a_blank_line(texts):
    for name, text in texts.items():
        assert "\n\n" not in text, name
        assert text.startswith("<")


def test_candidates_show_the_scores_of_each_snapshot_and_of_real_slices(pages):
    table = pages["candidates"].table
    assert {"sortable", "results"} <= set(table["class"])
    cells = [[cell.get_text() for cell in row.find_all("td")] for row in table.tbody.find_all("tr")]
    assert len(cells) == 5 * (4 + 1)
    assert cells[0] == ["12.5%", "1", "2", ".102", ".102", "10", "10%", ".750", "10.1", "10.1", ""]
    assert cells[3][-1] == "yes"
    assert cells[4] == ["12.5%", "1", "training slices", ".750", "–", "777", "–", "–", "–", "–", ""]
    runs = [row.find_all("a")[-1]["href"] for row in table.tbody.find_all("tr")[4::5]]
    assert runs[:2] == [
        "all_runs.html#selection-0.125-lcgan",
        "all_runs.html#selection-0.125-draw2-lcgan",
    ]


def test_below_the_candidates_the_page_says_which_criterion_ranked_nobody(pages):
    said = [item.get_text() for item in pages["candidates"].find_all("li")]
    assert said == ["lcgan, 12.5%, draw 2: realism_share is the same for all candidates."]


@pytest.mark.parametrize(
    ("draw", "stage", "what", "axes"),
    [
        (pictures.snapshot_examples, "selection", "lcgan", len(CONFIG.lcgan.snapshots)),
        (pictures.traditional_examples, "augmentation", "traditional", 2 * len(FIVE)),
        (pictures.synthetic_examples, "augmentation", "gan", 3 * len(FIVE)),
        (pictures.closest_pairs, "selection", "lcgan", 2 * 3),
    ],
)
def test_a_still_picture_is_drawn_from_an_artefact_alone(
    tmp_path, monkeypatch, draw, stage, what, axes
):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    job = Job(stage, what, 0.25)
    artefacts.folder(CONFIG, job).mkdir(parents=True)
    made.WRITERS[stage](CONFIG, job, artefacts.folder(CONFIG, job), FIVE)
    figure = draw(artefacts.folder(CONFIG, job), FIVE)
    assert len(figure.axes) == axes
    assert [text.get_text() for text in figure.legends[0].texts] == list(FIVE.names)
    pictures.save(figure, tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size and (tmp_path / "figure.svg").stat().st_size
