"""The main finding says what claims.csv says."""

import pandas as pd
import pytest

from lcgan_core.book.pages import answer
from lcgan_core.run.artefacts import REPOSITORY

FACTS = {
    "profile": "compact",
    "cohort": "in-silico",
    "patients": {"train": 300, "test": 90},
    "draws": [[0.025, 3], [0.1, 3], [0.25, 1], [1.0, 1]],
}


MAIN = "both_raises_dice_image"


def role_of(name, source):
    if name == MAIN:
        return "primary"
    return "exploratory" if source == "paper" else "question"


def row(name, verdict, share="10%", source="paper", value=0.06, ends=(0.01, 0.1), paper=0.05):
    return {
        "id": name, "source": source, "role": role_of(name, source),
        "claim": f"{name} in words", "verdict": verdict,
        "share": share, "paper_share": "10%", "value": value, "ci_low": ends[0],
        "ci_high": ends[1], "paper": paper, "detectable": 0.04, "magnitude": "inside",
        "reason": "" if verdict != "undecided" else "3 draws, 6 are needed",
    }  # fmt: skip


def test_the_heading_has_the_verdict_and_the_size_of_each_fraction():
    found = [("2.5%", "undecided"), ("10%", "confirmed"), ("25%", "contradicted")]
    rows = [row(MAIN, verdict, share) for share, verdict in found]
    rows.append(row("both_raises_recall", "contradicted"))
    assert answer.heading(pd.DataFrame(rows)) == (
        f"## B{MAIN[1:]} in words at 10%; at 25% it is not so that {MAIN} in words; "
        f"whether {MAIN} in words is undecided at 2.5%"
    )
    for each in rows:
        each |= {"verdict": "undecided", "magnitude": "outside"}
    assert answer.heading(pd.DataFrame(rows)) == (
        f"## Whether {MAIN} in words is undecided; "
        "the paper's gain is outside our interval at 2.5%, 10% and 25%"
    )


def test_without_a_subset_or_the_paper_s_classes_it_is_said_that_the_claim_is_not_tested():
    whole = pd.DataFrame([row("both_keeps_dice_image_with_all_data", "undecided", "100%")])
    assert answer.text(whole).startswith(f"## {answer.ONE_SHARE}")
    others = pd.DataFrame([row("d", "confirmed", source="question")])
    assert answer.text(others) == answer.OTHER_CLASSES


def test_gains_are_the_main_claim_share_by_share():
    claims = pd.DataFrame(
        [
            row(MAIN, "confirmed", "2.5%"),
            row(MAIN, "confirmed", "5%", paper=float("nan")),
            row("both_raises_recall", "confirmed"),
            row("both_raises_dice_of_EDH", "confirmed"),
            row(
                "both_keeps_dice_image_with_all_data", "undecided", "100%", value=-0.002,
                ends=(float("nan"),) * 2, paper=float("nan"),
            ),
        ]
    )  # fmt: skip
    assert answer.gains(claims).to_numpy().tolist() == [
        ["2.5%", "confirmed", "+.060 (+.010 to +.100)", "+.050 at 10%"],
        ["5%", "confirmed", "+.060 (+.010 to +.100)", "–"],
        ["100%", "undecided", "-.002", "less than .010 at 10%"],
    ]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "results").glob("*/claims.csv")), ids=str)
def test_every_published_run_has_a_gain_for_each_share(path):
    fractions = pd.read_csv(path.with_name("results.csv")).fraction.nunique()
    assert len(answer.gains(pd.read_csv(path))) == fractions


def test_of_other_lesions_the_same_is_asked_and_nothing_of_the_paper_stands_beside():
    oedema = "both_raises_dice_image_of_phe"
    claims = pd.DataFrame(
        [
            row(oedema, "confirmed", "10%", source="question", paper=float("nan")),
            row(oedema, "undecided", "25%", source="question", paper=float("nan")),
            row(f"{oedema.replace('raises', 'keeps')}_with_all_data", "undecided", "100%",
                source="question", paper=float("nan")),
            row("gan_raises_x", "contradicted", source="question"),
            row("d", "confirmed", source="question"),
        ]
    ).assign(role=["primary", "primary", "exploratory", "exploratory", "question"])  # fmt: skip
    said = answer.text(claims)
    assert said.startswith(answer.OTHER_CLASSES)
    assert (
        f"## {oedema[0].upper()}{oedema[1:]} in words at 10%; whether {oedema} in words is "
        "undecided at 25%\n"
    ) in said
    table = answer.gains(claims)
    assert table["at"].tolist() == ["10%", "25%", "100%"]
    assert "the paper's" not in table
