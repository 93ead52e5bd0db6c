"""Published runs: each is whole, its tables follow from each other, and pages show them."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from lcgan_core.book import bundle, contents, places
from lcgan_core.book.pages import write
from lcgan_core.metrics.claims import ALL, claims
from tests.regression import shown

PUBLISHED = sorted({path.parent for path in places.RESULTS.glob("*/*.csv")})
NETWORK = ["segmenter", "fraction", "arm"]
CELL = [*NETWORK, "metric", "lesion"]
WRITTEN = 1.5e-6  # numbers are written with six decimals


@pytest.fixture(scope="module", params=PUBLISHED, ids=lambda path: path.name)
def published(request):
    return request.param


@pytest.fixture(scope="module")
def opened(published):
    return bundle.opened(published)


@pytest.fixture(scope="module")
def record(opened):
    return opened.record


@pytest.fixture(scope="module")
def results(published, record):
    path = published / "results.csv"
    run = pd.read_csv(path).profile[0]  # the profile, and a hash where settings were overridden
    assert run.partition("-")[0] == record["run"]["profile"]
    return contents.read_results(path, run).set_index(CELL)


@pytest.fixture(scope="module")
def texts(opened, tmp_path_factory):
    """The text of everything that pages include, by name."""
    out = tmp_path_factory.mktemp("book") / "generated"
    write.write(opened, out)
    return {path.stem: path.read_text() for path in out.glob("*.md")}


def test_every_file_is_as_it_was_collected(published, record):
    there = {path.relative_to(published).as_posix() for path in published.rglob("*.*")}
    assert there == {*record["files"], contents.RECORD}


def _arms_of(config, first):
    return config["arms"] if first else config.get("arms_of_others") or config["arms"]


def test_every_cell_of_the_grid_is_there(results, record):
    config = record["config"]
    networks = {key[:3] for key in results.index}
    papers = {"original", "gan", "traditional", "both"}
    first, *others = record["run"]["segmenters"]
    assert networks == {
        (segmenter, fraction, arm)
        for segmenter in (first, *others)
        for fraction in config["fractions"]
        for arm in _arms_of(config, segmenter == first)
        if fraction <= config["controls_up_to"] or (segmenter == first and arm in papers)
    }
    # instance, detected, pooled, precision, recall: all and every class each; image, patient, the
    # mean over the same types and their number: 1
    assert len(results) == len(networks) * (5 * (1 + len(record["run"]["classes"])) + 4)


def test_a_value_has_cases(results):
    assert (results.n[results.value.notna()] > 0).all()
    assert results.value[results.n == 0].isna().all()


def test_a_cell_is_the_mean_of_its_draws(published, results):
    draws = pd.read_csv(published / "draws.csv")
    whole = draws.groupby(CELL).value.agg(lambda values: values.mean(skipna=False)).dropna()
    apart = (whole - results.value.reindex(whole.index)).abs()
    assert apart.max() <= WRITTEN


def test_a_difference_is_the_difference_of_two_cells(published, results):
    table = pd.read_csv(published / "differences.csv").dropna(subset="value")
    image = table[table.metric == "dice_image"]
    assert len(image) == table.groupby([*NETWORK, "baseline"]).ngroups
    of_draws = pd.read_csv(published / "draws.csv").set_index([*CELL, "draw"]).value.sort_index()
    for row in image.itertuples():
        place = (row.metric, row.lesion)
        arm, baseline = (
            of_draws.loc[(row.segmenter, row.fraction, who, *place)]
            for who in (row.arm, row.baseline)
        )
        # of a control there may be fewer draws; a difference is taken in those of both
        assert row.value == pytest.approx((arm - baseline).dropna().mean(), abs=2 * WRITTEN)


def test_claims_and_verdicts_follow_from_the_differences(opened):
    """A claim of one share is a row of differences.csv, and its interval decides the verdict."""
    stated = opened.table("claims").set_index(["segmenter", "id", "share"])
    differences = opened.table("differences")
    assert stated.index.is_unique
    known = differences.set_index(["arm", "baseline", "segmenter", "fraction", *CELL[3:]])
    known = known.sort_index()
    asked = claims(differences.fraction.unique(), opened.classes.names, opened.primary)
    seen = 0
    for segmenter, claim in itertools.product(opened.segmenters, asked):
        if len(claim.terms) != 2 or len({share for _, share, _ in claim.terms}) != 1:
            continue
        (_, fraction, arm), (_, _, baseline) = claim.terms
        place = (segmenter, claim.id, f"{100 * fraction:g}%")
        if place not in stated.index:
            continue
        row = stated.loc[place]
        of = (segmenter, fraction, claim.metric, claim.lesion)
        there = (arm, baseline, *of) in known.index
        found = known.loc[(arm, baseline, *of) if there else (baseline, arm, *of)]
        ends = [found.value, found.ci_low, found.ci_high]
        expected = ends if there else [-ends[0], -ends[2], -ends[1]]
        shown_there = row[["value", "ci_low", "ci_high"]].astype(float)
        assert np.allclose(shown_there, expected, atol=WRITTEN, equal_nan=True), claim.id
        floor, ceiling = (-0.01, 0.01) if claim.within_a_point else (0, np.inf)
        _, low, high = expected
        verdict = "undecided"
        open_ = not low < high or (low <= floor <= high) or (low <= ceiling <= high)
        if row.n >= 6 and int(row.draws) >= 6 and not open_ and _tests_agree(claim, row):
            verdict = "confirmed" if floor < low and high < ceiling else "contradicted"
        assert row.verdict == verdict, claim.id
        assert (row.verdict == "undecided") == pd.notna(row.reason), claim.id
        if pd.notna(row.paper) and low < high:
            assert row.magnitude == ("inside" if low <= row.paper <= high else "outside")
        seen += 1
    fewest = 19 if opened.primary == ALL else 15  # such claims that the paper's four arms are asked
    assert seen >= fewest


def _tests_agree(claim, row):
    if claim.within_a_point:
        return row.equivalent != "undecided"
    return (row.p_holm if claim.role == "primary" else row.p) < 0.05


def test_every_network_of_a_row_is_in_runs_csv_with_its_fingerprint(published, record):
    table = pd.read_csv(published / "runs.csv").set_index("job")
    assert table.index.is_unique
    assert {job: table.fingerprint[job] for job in record["inputs"]} == record["inputs"]
    assert table.fingerprint["evaluation/all"] == record["fingerprint"]
    assert {job for named in table.inputs.dropna() for job in named.split()} <= set(table.index)
    trained = table[table.stage == "segmentation"]
    draws = pd.read_csv(published / "draws.csv")
    named = trained[["segmenter", "fraction", "what", "draw"]].itertuples(False, None)
    assert set(named) == set(draws[[*NETWORK, "draw"]].itertuples(False, None))


def test_what_a_bundle_says_of_its_parts_is_so(opened, record):
    runs = set(opened.table("runs").job)
    said = {*record["sources"].values(), *sum(record["pages"].values(), [])}
    assert said <= runs
    assert record["shown_fraction"] in record["config"]["fractions"]
    for name in contents.VIEWERS if opened.pictures else ():
        rows = pd.read_csv(opened.folder / "viewers" / f"{name}.csv")
        files = rows.astype(str).to_numpy().ravel()
        pictures = {file for file in files if file.endswith(".webp")}
        assert pictures == {path.name for path in opened.folder.glob(f"viewers/{name}-*.webp")}


def test_every_number_is_what_its_row_says(published, texts):
    html = "\n".join(texts.values())
    assert shown.complaints(html, published) == []
    assert len(list(shown.links(html))) > 300


@pytest.mark.parametrize("name", ["table1", "table2", "table3"])
def test_every_number_of_ours_in_the_paper_s_tables_leads_to_its_row(texts, name):
    table = BeautifulSoup(texts[name], "html.parser").table
    paired = "paper" in table.thead.get_text()
    ours = [row.select("td")[1::2] if paired else row.select("td") for row in table.select("tr")]
    filled = [cell for row in ours for cell in row if cell.get_text(strip=True)]
    filled = [cell for cell in filled if " of " not in cell.get_text()]  # how many types were found
    assert len(filled) >= (16 if paired else 12)
    assert all(cell.select("a.origin") for cell in filled)


def test_links_lead_to_rows_of_the_two_pages(texts):
    ids = {
        page: [row["id"] for row in BeautifulSoup(texts[page], "html.parser").select("tr[id]")]
        for page in ("all_results", "all_runs")
    }
    assert all(len(set(places)) == len(places) for places in ids.values())
    html = "\n".join(texts.values())
    wanted = set(re.findall(r'href="(all_\w+)\.html#([^"]+)"', html))
    assert {place for page, place in wanted if page == "all_results"} <= set(ids["all_results"])
    assert {place for page, place in wanted if page == "all_runs"} == set(ids["all_runs"])


def test_the_page_of_all_results_is_results_csv(published, texts):
    table = BeautifulSoup(texts["all_results"], "html.parser").table
    there = [
        [cell.get_text() for cell in row.select("td")][:-1] for row in table.select("tbody tr")
    ]
    lines = (published / "results.csv").read_text().splitlines()[1:]
    assert there == [line.split(",")[2:] for line in lines]


def test_a_wrong_number_a_lost_row_and_a_swapped_link_are_seen(published, texts):
    """The checks above can fail."""
    good = texts["table1"]
    place, text = next((place, text) for place, text in shown.links(good) if "(" in text)
    value, other = text.split()[0], "all_results.html#results-fcn8s-1-original-recall-IPH"
    assert shown.complaints(good, published) == []
    assert shown.complaints(good.replace(f">{value}<", ">.999<"), published)
    assert shown.complaints(good.replace(place, f"{place}x"), published)
    assert shown.complaints(good.replace(f"all_results.html#{place}", other), published)
    scores = texts["candidates"]
    score = next(text for _, text in shown.links(scores) if text not in scores.replace(text, "", 1))
    assert shown.complaints(scores.replace(f">{score}<", f">{score}9<"), published)


SHOWN = {  # table -> columns of words and of what tells rows apart
    "judges": {"same choice"},
    "candidates": {"fraction", "draw", "epoch", "chosen"},
    "memorisation": set(),
    "densities": set(),
}


@pytest.mark.parametrize("name", SHOWN)
def test_every_number_of_the_other_tables_leads_to_its_row_or_run(texts, name):
    table = BeautifulSoup(texts[name], "html.parser").table
    headings = [cell.get_text() for cell in table.select("thead tr")[-1].select("th")]
    headings = headings[-len(table.select_one("tbody tr").select("td")) :]
    cells = [
        cell
        for row in table.select("tbody tr")
        for heading, cell in zip(headings, row.select("td"), strict=True)
        if heading not in SHOWN[name] and cell.get_text() != "–"
    ]
    assert len(cells) >= 8
    assert all(cell.select("a.origin") for cell in cells)


@pytest.mark.parametrize("name", ["charts_fig7", "charts_forest"])
def test_every_value_of_ours_in_a_chart_leads_to_its_row(texts, name):
    page = BeautifulSoup(texts[name], "html.parser")
    for row in page.table.select("tbody tr"):
        ours = "paper:" not in row.get_text()
        assert bool(row.select("a.origin")) == ours
    traces = [
        trace for script in page.find_all("script") for trace in json.loads(script.string)["data"]
    ]
    linked = [place for trace in traces for place in trace["customdata"] if place]
    assert linked == [link["href"] for link in page.table.select("a.origin")]
