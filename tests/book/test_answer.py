"""The first page's answer says what claims.csv and run.json say."""

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


def test_verdicts_count_the_papers_statements_alone():
    claims = pd.DataFrame(
        [
            row(MAIN, "confirmed"),
            row("b", "undecided"),
            row("c", "undecided"),
            row("d", "confirmed", source="question"),
        ]
    )
    said = answer.text(claims)
    assert "We tested 3 statements" in said
    assert "1 is confirmed, 0 are contradicted and 2 are undecided" in said
    assert "The paper's gain lies inside our interval at 10%." in said


def test_the_main_claim_is_told_by_its_verdicts():
    found = [("2.5%", "undecided"), ("10%", "confirmed"), ("25%", "undecided")]
    rows = [row(MAIN, verdict, share) for share, verdict in found]
    rows.append(row("both_raises_recall", "contradicted"))
    told = answer.main(pd.DataFrame(rows))
    assert f"that {MAIN} in words while data are scarce" in told
    assert told.endswith("Here it is **confirmed** at 10% and **undecided** at 2.5% and 25%:")
    for each in rows:
        each["verdict"] = "undecided"
    assert answer.main(pd.DataFrame(rows)).endswith("**undecided** at 2.5%, 10% and 25%:")


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
        ["2.5%", "+.060", "+.010 to +.100", "+.050 at 10%", ".040", "confirmed"],
        ["5%", "+.060", "+.010 to +.100", "–", ".040", "confirmed"],
        [
            "100%",
            "-.002",
            "–",
            "less than .010 at 10%",
            ".040",
            "undecided (3 draws, 6 are needed)",
        ],
    ]


def test_the_magnitude_of_the_main_claim_is_told_share_by_share():
    sides = {"2.5%": "outside", "10%": "outside", "25%": "inside", "50%": ""}
    rows = [row(MAIN, "undecided", share) | {"magnitude": side} for share, side in sides.items()]
    assert answer.magnitudes(pd.DataFrame(rows)) == (
        "The paper's gain lies outside our interval at 2.5% and 10% and inside our interval at 25%."
    )
    assert answer.magnitudes(pd.DataFrame(rows[3:])) == ""


def test_questions_that_are_decided_are_listed_with_their_shares():
    pasted, longer = "gan_beats_copy_paste", "both_beats_original_at_equal_steps"
    claims = pd.DataFrame(
        [
            row("a claim of the paper", "confirmed"),
            row(pasted, "contradicted", "2.5%", source="question"),
            row(pasted, "contradicted", "10%", source="question"),
            row(longer, "confirmed", "2.5%", source="question"),
            row(longer, "undecided", "10%", source="question"),
        ]
    )
    _, *listed = answer.questions(claims).splitlines()
    assert listed == [
        "",
        f"- {pasted} in words: **no, the opposite** at 2.5% and 10%",
        f"- {longer} in words: **yes** at 2.5%",
    ]
    assert "4 such questions, counted once per fraction, this run decides 3 " in answer.questions(
        claims
    )


def test_without_a_decided_question_nothing_is_listed():
    claims = pd.DataFrame([row("x", "undecided", source="question"), row("y", "confirmed")])
    assert "decides 0" in answer.questions(claims) and "\n" not in answer.questions(claims)
    assert answer.questions(claims[claims.source == "paper"]) == ""


@pytest.mark.parametrize("path", sorted((REPOSITORY / "results").glob("*/claims.csv")), ids=str)
def test_every_published_run_has_a_gain_for_each_share(path):
    fractions = pd.read_csv(path.with_name("results.csv")).fraction.nunique()
    assert len(answer.gains(pd.read_csv(path))) == fractions


def test_certainty_names_what_is_few():
    said = answer.certainty(FACTS)
    assert "90 test patients" in said and "3 draws at 2.5% and 3 draws at 10%" in said
    assert "No patients" in said and "smoke" not in said


def test_certainty_of_one_draw_and_of_the_smoke_test():
    said = answer.certainty(FACTS | {"profile": "quick", "draws": [[0.5, 1], [1.0, 1]]})
    assert said.startswith("- **A smoke test.**") and "One draw" in said


def test_own_patients_are_not_called_simulated():
    assert "simulated" not in answer.certainty(FACTS | {"cohort": "own"})


def test_without_a_subset_or_the_paper_s_classes_it_is_said_that_the_claim_is_not_put():
    whole = pd.DataFrame([row("both_keeps_dice_image_with_all_data", "undecided", "100%")])
    assert answer.text(whole).startswith(answer.ONE_SHARE)
    others = pd.DataFrame([row("d", "confirmed", source="question")])
    assert answer.text(others).startswith(answer.OTHER_CLASSES)
    assert "d in words: **yes** at 10%" in answer.text(others)
    assert answer.text(others[:0]) == answer.OTHER_CLASSES


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
    assert f"asked of this run, is that {oedema} in words" in said
    assert "it is **confirmed** at 10% and **undecided** at 25%:" in said
    table = answer.gains(claims)
    assert table["fraction of the patients"].tolist() == ["10%", "25%", "100%"]
    assert "the paper's gain" not in table
    assert "We tested 4 statements like the paper's" in said
    assert "Of 1 such questions" in said
