"""The first page says what the run's tables say, and shows slices that the bundle has."""

import re

import pandas as pd
import pytest

from lcgan_core.book import bundle, places
from lcgan_core.book.pages import front, origins
from lcgan_core.metrics.claims import outcome
from tests.book.test_answer import FACTS, MAIN, row

ALL = outcome()[1]


def of(share, **changes):
    return row(MAIN, "undecided", share) | {"reason": "3 draws, 6 are needed"} | changes


def test_the_answer_has_every_fraction_and_the_papers_numbers():
    claims = pd.DataFrame([of("2.5%"), of("10%", value=-0.02, ci_low=-0.05, ci_high=0.01)])
    said = front.answered(claims, FACTS, ALL)
    assert said.startswith("On simulated heads, ")
    assert "by +.060 (+.010 to +.100) at 2.5% and -.020 (-.050 to +.010) at 10% of the" in said
    assert said.endswith("The paper reports +.050 at 10% and +.050 at 10%.")
    real = front.answered(claims.assign(paper=float("nan")), FACTS | {"cohort": "abc"}, ALL)
    assert real.startswith("On scans of people, ") and "The paper" not in real


@pytest.mark.parametrize(
    ("verdicts", "magnitudes", "said"),
    [
        (("confirmed", "confirmed"), ("inside", "inside"), "replicated"),
        (("contradicted", "contradicted"), ("outside", "outside"), "not replicated"),
        (("undecided", "undecided"), ("inside", "inside"), "undecided at 2.5% and 10%"),
        (
            ("confirmed", "undecided"),
            ("inside", "outside"),
            "partly: confirmed at 2.5%, undecided at 10%, but smaller than the paper's at 10%",
        ),
    ],
)
def test_the_verdict_on_the_paper(verdicts, magnitudes, said):
    shares = zip(("2.5%", "10%"), verdicts, magnitudes, strict=True)
    rows = [
        of(share, verdict=verdict, magnitude=magnitude, paper=0.3)
        for share, verdict, magnitude in shares
    ]
    assert front.verdict(pd.DataFrame(rows)) == said


def test_a_question_is_told_only_where_its_interval_excludes_zero():
    strong = row("gan_over_copy_paste", "undecided", source="question", value=-0.06)
    strong |= {"ci_low": -0.1, "ci_high": -0.02}
    weak = row("gan_over_l1_only", "undecided", source="question", value=0.2)
    weak |= {"ci_low": -0.1, "ci_high": 0.5}
    none = pd.DataFrame(columns=["arm", "metric", "lesion", "fraction", "draw", "value"])
    said = front.findings(pd.DataFrame([of("10%"), weak, strong]), none, ALL)
    assert "gan_over_copy_paste in words”: no, the opposite, -.060 (-.100 to -.020)".lower() in (
        said.lower()
    )
    assert "l1_only" not in said
    said = front.findings(pd.DataFrame([of("10%"), weak]), none, ALL)
    assert "No comparison with a cheaper means has an interval without 0" in said


def test_luck_is_told_at_the_smallest_fraction_with_several_draws():
    cells = [
        {"arm": "original", "metric": ALL.metric, "lesion": ALL.lesion, "fraction": fraction,
         "draw": draw, "value": value}
        for fraction, draw, value in [
            (0.025, 1, 0.5), (0.1, 2, 0.2), (0.1, 1, 0.1), (0.25, 1, 0.3), (0.25, 2, 0.4),
        ]
    ]  # fmt: skip
    said = front.findings(pd.DataFrame([of("10%")]), pd.DataFrame(cells), ALL)
    assert "*original* reached .100 and .200 at 10%." in said


def test_the_pictures_are_in_the_bundle_and_of_the_largest_lesions():
    opened = bundle.opened(places.RESULTS / "compact")
    html = front.slices(opened) + front.steps(opened)
    shown = set(re.findall(r'src="\.\./_static/viewers/([^"]+)"', html))
    there = {path.name for path in (opened.folder / "viewers").iterdir()}
    assert len(shown) > 15 and shown <= there
    cases = pd.read_csv(opened.folder / "viewers" / "fig6.csv")
    for _, one in cases[(cases.fraction < 1) & cases.synthetic.isin(shown)].iterrows():
        others = cases[(cases.lesion == one.lesion) & (cases.fraction == one.fraction)]
        assert one.area_cm2 == others.area_cm2.max()


def test_the_numbers_lead_to_their_rows():
    opened = bundle.opened(places.RESULTS / "compact")
    made = "".join(front.texts(opened, origins.tables(opened)).values())
    assert len(re.findall(r'class="origin" href="all_results.html#claims-', made)) >= 3
