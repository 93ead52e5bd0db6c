"""Charts say what the CSVs say: values, intervals, names; and plotly knows every attribute."""

import json
import re

import pandas as pd
import plotly.graph_objects as go
import pytest
from bs4 import BeautifulSoup

from lcgan_core.book.figures import hover
from lcgan_core.book.pages import charts
from lcgan_core.run.artefacts import REPOSITORY

RESULTS = pd.read_csv(REPOSITORY / "results" / "quick" / "results.csv")
DIFFERENCES = pd.read_csv(REPOSITORY / "results" / "quick" / "differences.csv")


@pytest.fixture(
    params=[(charts.curves, RESULTS), (charts.forests, DIFFERENCES)], ids=["curves", "forests"]
)
def page(request):
    draw, table = request.param
    return BeautifulSoup(draw(table), "html.parser")


def figures(page):
    return [json.loads(script.string) for script in page.find_all("script")]


def test_plotly_knows_every_attribute(page):
    style = (REPOSITORY / "book" / "_static" / "viewer.css").read_text()
    for figure in figures(page):
        text = json.dumps(figure)
        for name in set(re.findall(r'"(--[\w-]+)"', text)):
            # the theme's own are there in the built page, which tests/browser looks at
            assert name.startswith("--pst-") or style.count(f"{name}:") == 2, name
        go.Figure(json.loads(re.sub(r'"--[\w-]+"', '"red"', text)))  # refuses what it does not know


def test_curves_have_the_values_of_results_csv():
    image = RESULTS[(RESULTS.metric == "dice_image") & (RESULTS.lesion == "all")]
    drawn = hover.curves(RESULTS)["Dice per image"]["data"]
    assert [line["name"] for line in drawn][::2] == ["ours: Selected (Original)", "ours: + both"]
    for line, arm in ((drawn[0], "original"), (drawn[2], "both")):
        rows = image[image.arm == arm].sort_values("fraction")
        assert line["x"] == (100 * rows.fraction).tolist()
        assert line["y"] == pytest.approx(rows.value.tolist())
        spread = line["error_y"]
        tops = [y + up for y, up in zip(line["y"], spread["array"], strict=True)]
        feet = [y - down for y, down in zip(line["y"], spread["arrayminus"], strict=True)]
        assert tops == pytest.approx(rows.ci_high.tolist(), abs=2e-6)
        assert feet == pytest.approx(rows.ci_low.tolist(), abs=2e-6)
    at_half = image[(image.arm == "both") & (image.fraction == 0.5)].iloc[0]
    value, low, high = (f"{v:.3f}"[1:] for v in (at_half.value, at_half.ci_low, at_half.ci_high))
    assert (
        drawn[2]["text"][2]
        == f"ours: + both<br>50%<br>{value} ({low} to {high})<br>n = {at_half.n}"
    )


def test_the_paper_s_curve_is_the_paper_s_table():
    paper = hover.curves(RESULTS)["Dice per image"]["data"][1]
    assert paper["x"] == [2.5, 10, 25, 100]
    assert paper["y"] == [0.244, 0.478, 0.565, 0.628]
    assert paper["text"][0] == "paper: Selected (Original)<br>2.5%<br>.244"


def test_a_value_that_is_not_there_is_no_point():
    gone = RESULTS.assign(value=RESULTS.value.where(RESULTS.fraction != 0.25))
    for line in hover.curves(gone)["Precision"]["data"][::2]:
        assert 25.0 not in line["x"]
        assert (
            len(line["x"]) == len(line["y"]) == len(line["text"]) == len(line["error_y"]["array"])
        )


def test_forests_have_the_differences_of_the_csv_either_way_round():
    drawn = hover.forests(DIFFERENCES)
    assert list(drawn) == [f"{share}% of the patients" for share in ("12.5", "25", "50", "100")]
    at = (DIFFERENCES.fraction == 0.5) & (DIFFERENCES.metric == "dice_image")
    rows = DIFFERENCES[at & (DIFFERENCES.lesion == "all")].set_index(["arm", "baseline"])
    points = {
        name: (x, text)
        for group in drawn["50% of the patients"]["data"]
        for name, x, text in zip(group["y"], group["x"], group["text"], strict=True)
    }
    assert points["both − original"][0] == rows.value["both", "original"]
    assert points["traditional − gan"][0] == rows.value["traditional", "gan"]
    value = f"{rows.value['traditional', 'gan']:+.3f}".replace("0.", ".", 1)
    assert points["traditional − gan"][1].startswith(f"traditional − gan<br>{value} (")


def test_a_difference_without_interval_keeps_the_charts():
    at = DIFFERENCES.fraction == 0.25
    gone = DIFFERENCES.assign(
        ci_low=DIFFERENCES.ci_low.where(~at), ci_high=DIFFERENCES.ci_high.where(~at)
    )
    page = BeautifulSoup(charts.forests(gone), "html.parser")
    assert page.tbody.get_text().count(" to ") == 5 * 3  # five pairs, three shares with intervals


def test_every_point_is_a_row_of_the_table(page):
    rows = [
        [cell.get_text(" ") for cell in row.find_all("td")] for row in page.tbody.find_all("tr")
    ]
    told = [text for figure in figures(page) for line in figure["data"] for text in line["text"]]
    assert [row[1 : 1 + len(text.split("<br>"))] for row, text in zip(rows, told, strict=True)] == [
        text.split("<br>") for text in told
    ]


def test_every_chart_has_a_name_and_stays_hidden_until_it_is_drawn(page):
    section = page.section
    assert section.has_attr("hidden")
    for chart in section.find_all("figure"):
        assert chart.figcaption.get_text() in chart.select_one(".plot")["aria-label"]
