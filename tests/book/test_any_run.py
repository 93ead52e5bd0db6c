"""The whole book of runs with other fractions, lesion classes, segmenters and generators."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from lcgan_core.book import bundle, collect
from lcgan_core.book.figures import pictures
from lcgan_core.book.pages import write
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.protocol import methods, profiles
from tests.book import made
from tests.regression import shown

TWO = Classes(("PHE", "IPH"), ("perihaematomal oedema", "intraparenchymal"))
RUNS = {
    "all the patients": {"fractions": [1.0]},
    "one subset": {"fractions": [0.5, 1.0]},
    "two subsets": {"fractions": [0.1, 0.5, 1.0]},
    "four subsets, two of them the paper's": {"fractions": [0.05, 0.1, 0.25, 0.5, 1.0]},
    "two classes": {"fractions": [0.25, 1.0], "classes": TWO},
    "twelve classes": {
        "fractions": [1.0],
        "classes": Classes(tuple(f"C{k}" for k in range(12)), tuple("abcdefghijkl")),
    },
    "two segmenters, two generators, draws": {
        "segmenters": ["fcn8s", "other"],
        "arms": ["original", "gan", "traditional", "both", "l1_only"],
        "draws": [2, 1, 1, 1],
    },
}


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory):
    """The name of a run, and its pages' texts with the bundle and settings they are made from."""
    overrides = dict(RUNS[request.param])
    classes = overrides.pop("classes", FIVE)
    place = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(methods.SEGMENTERS, "other", methods.SEGMENTERS["fcn8s"])
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        patch.setattr(pictures, "FORMATS", ("png",))  # to save time
        config = profiles.load("quick", **overrides)
        made.finished(config, classes)
        collected = bundle.opened(collect.collect(config, place / "bundle"))
        write.write(collected, place / "generated")
    texts = {path.stem: path.read_text() for path in (place / "generated").glob("*.md")}
    return SimpleNamespace(config=config, classes=classes, bundle=collected, texts=texts)


def table(run, name):
    return BeautifulSoup(run.texts[name], "html.parser").table


def headings(run, name):
    return [cell.get_text() for cell in table(run, name).select("thead th") if cell.get_text()]


def test_every_number_leads_to_its_row_and_its_networks(run):
    html = "\n".join(run.texts.values())
    assert shown.complaints(html, run.bundle.folder) == []
    jobs = set(re.findall(r'href="all_runs\.html#([^"]+)"', html))
    rows = {row["id"] for row in table(run, "all_runs").select("tr[id]")}
    assert jobs == rows
    made_by = [row.select("td")[-1] for row in table(run, "all_results").select("tr[id]")]
    assert all(cell.select("a") for cell in made_by)


def test_no_number_is_shown_as_nan(run):
    for name, text in run.texts.items():
        cells = BeautifulSoup(text, "html.parser").select("td")
        assert not [cell for cell in cells if cell.get_text().lower() in ("nan", "none")], name


def test_ours_stand_beside_equal_fractions_of_the_paper_or_alone(run):
    shares = [f"{100 * fraction:g}%" for fraction in run.config.fractions]
    assert [h for h in headings(run, "table1") if h.startswith("ours")] == [
        f"ours {share}" for share in shares
    ]
    theirs = {h for h in headings(run, "table1") if h.startswith("paper")}
    papers = {f"paper {share}" for share in ("2.5%", "10%", "25%", "100%")}
    if run.classes != FIVE:
        assert theirs == set()
    elif len(shares) == 4:
        assert theirs == papers
    else:
        assert theirs == papers & {f"paper {share}" for share in shares}


def test_tables_and_viewers_have_the_run_s_classes(run):
    names = set(run.classes.names)
    assert set(headings(run, "table3")) >= names
    page = BeautifulSoup(run.texts["viewer_fig6"], "html.parser")
    assert [i["value"] for i in page.select('input[name="lesion"]')] == list(run.classes.names)
    colors = [f"rgb{color}" for color in run.classes.shown[1:]]
    assert [swatch["style"].split(": ")[1] for swatch in page.select(".swatch")] == colors
    densities = table(run, "densities").select("tbody th")
    assert [cell.get_text() for cell in densities] == list(run.classes.names)


def test_the_paper_is_spoken_of_where_its_classes_are(run):
    said = run.texts["answer"] + run.texts["found_claims"] + run.texts["charts_fig7"]
    if run.classes == FIVE:
        assert "<th>the paper's</th>" in said and "paper: " in said
        assert "statements of the paper" in said
    else:
        assert "<th>the paper's</th>" not in said and "paper: " not in said
        assert "are not the paper's five types" in said


def test_numbers_of_two_segmenters_are_not_mixed(run):
    several = len(run.config.segmenters) > 1
    everywhere = "".join(text for name, text in run.texts.items() if not name.startswith("all_"))
    of_other = set(re.findall(r'href="all_results\.html#(\w+)-(?:[\w.]+-)?other', everywhere))
    assert of_other == ({"results", "claims"} if several else set())
    for name in ("charts_fig7", "charts_forest", "by_size"):
        assert "-other-" not in run.texts[name], name
    for name in ("table1", "table2", "table3"):
        first, *second = run.texts[name].split("With the segmenter `other`:")
        assert "-fcn8s-" in first and "-other-" not in first
        assert ["-other-" in part and "-fcn8s-" not in part for part in second] == [True] * several
    heard = re.findall(r"With the segmenter `(\w+)`:", run.texts["training"])
    assert heard == (["fcn8s", "other"] if several else [])
    assert ("with each segmenter" in run.texts["controls"]) == several
    if several:
        results = run.bundle.table("results")
        image = results[(results.metric == "dice_image") & (results.fraction == 0.5)]
        second = BeautifulSoup(run.texts["controls"], "html.parser").select("table")[1]
        row = next(r for r in second.select("tbody tr") if r.th.get_text() == "+ both")
        shown_there = [cell.get_text()[:4] for cell in row.select("td")][4:6]
        both = image[image.arm == "both"].set_index("segmenter").value
        assert shown_there == [f"{both[name]:.3f}"[1:] for name in ("fcn8s", "other")]


def test_generators_are_told_apart(run):
    several = "l1_only" in run.config.arms
    assert ("generator" in headings(run, "candidates")) == several
    rows = [cell.get_text() for cell in table(run, "memorisation").select("tbody th")]
    assert ("12.5%, draw 2, l1_only" in rows) == several
    assert len(rows) == len(set(rows))
    side_by_side = run.texts["generators"]
    assert ("This run has one generator" in side_by_side) != several
    assert (run.bundle.folder / "generators.png").exists() == several
    if several:
        chosen, inside = BeautifulSoup(side_by_side, "html.parser").select("table")
        named = [
            [cell.get_text() for cell in row.select("th")] for row in chosen.select("tbody tr")
        ]
        assert [row[-1] for row in named] == ["lcgan", "l1_only"] * len(run.config.fractions)
        assert chosen.select("a[href='all_runs.html#training-0.5-l1_only']")[0].get_text() == "2 s"
        columns = [cell.get_text() for cell in inside.select("thead th")]
        assert columns == ["", "original", "lcgan", "l1_only"]
        assert [cell.get_text() for cell in inside.select("tbody th")] == list(run.classes.names)
    real = run.bundle.table("real_slices")
    assert len(real) == sum(run.config.draws) and set(real.generator) == {"lcgan"}


def test_figures_are_of_the_subsets_that_are_said(run):
    fractions = run.config.fractions
    middle, largest = fractions[1 if len(fractions) > 2 else 0], fractions[max(-2, -len(fractions))]
    sources = run.bundle.record["sources"]
    assert sources["fig3"] == f"selection/{middle:g}-lcgan"
    assert sources["fig5"] == f"augmentation/{middle:g}-traditional"
    assert sources["fig6"] == sources["densities"] == f"augmentation/{largest:g}-gan"
    assert sources["closest"] == f"selection/{largest:g}-lcgan"
    densities = pd.read_csv(run.bundle.folder / "densities.csv")
    assert densities.real[0] == 61 + largest
    for name, job in sources.items():
        assert f">{job}</a>" in run.texts[name]
