"""Runs on simulated heads and on people stand side by side where both are published."""

import json

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from lcgan_core.book import bundle, collect, places
from lcgan_core.book.figures import pictures
from lcgan_core.book.pages import both_runs, write
from lcgan_core.lesions import FIVE
from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import PAPER
from lcgan_core.run import artefacts
from lcgan_core.run.plan import EVALUATION
from tests.book import made
from tests.regression import shown
from tests.stages.heads import TWO

UP, DOWN, NONE = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), (0.0, -0.015, 0.015)
VERDICTS = {UP: "confirmed", DOWN: "contradicted", NONE: "undecided"}
FOUND = {  # id in the run on simulated heads, its end in the other -> what each finds at 10 %
    ("both_raises_dice_image", "_of_phe"): (UP, UP),
    ("gan_raises_dice_image", "_of_phe"): (UP, DOWN),
    ("gan_over_duplicate2", ""): (NONE, NONE),
    ("traditional_raises_dice_image", "_of_phe"): (UP, (-0.1, -0.2, -0.05)),
}
ANSWERS = {
    "both kinds of copy raise the Dice of PHE per image": "yes",
    "GAN copies alone raise the Dice of PHE per image": "**no**",
    "GAN copies add more than the same slices once more": "open",
    "traditional copies alone raise the Dice of PHE per image": "**no**",  # intervals apart
}


def publish(place, profile, classes, which, **settings):
    """The bundle of a made-up run whose claims of FOUND have numbers of their own."""
    common = {"fractions": [0.1, 0.25, 1.0], "arms": [*PAPER, "duplicate2"], "draws": 6}
    config = profiles.load("quick", **common, **settings)
    made.finished(config, classes)
    folder = artefacts.folder(config, EVALUATION)
    facts = json.loads((folder / "run.json").read_text()) | {"profile": profile}
    (folder / "run.json").write_text(json.dumps(facts | {"publish": "numbers" * which}))
    claims = pd.read_csv(folder / "claims.csv").assign(value=0.0, ci_low=-0.02, ci_high=0.02)
    for (name, ending), found in FOUND.items():
        here = (claims.id == name + ending * which) & (claims.share == "10%")
        assert here.sum() == 1, name
        claims.loc[here, ["value", "ci_low", "ci_high"]] = found[which]
        claims.loc[here, "verdict"] = VERDICTS.get(found[which], "undecided")
    claims.to_csv(folder / "claims.csv", index=False)
    return bundle.opened(collect.collect(config, place / profile, public=True))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The two published runs, in a folder of results."""
    place = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        patch.setattr(places, "RESULTS", place / "results")
        patch.setattr(collect, "DRAWN", {})
        patch.setattr(pictures, "FORMATS", ("png",))
        compact = publish(place / "results", "compact", FIVE, 0)
        real = publish(
            place / "results", "real", TWO, 1, cohort=str(place), evaluation_primary="PHE"
        )
        yield compact, real


def rows(text):
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return pd.DataFrame(lines[2:], columns=lines[0])


def test_agreement_follows_from_verdicts_and_intervals(runs):
    table = rows(both_runs.texts(runs[0])["both_runs_table"])
    at = table[table.fraction == "10%"].set_index("question").agree
    assert {question: at[question] for question in ANSWERS} == ANSWERS
    assert set(table.fraction) == {"10%", "25%", "100%", "10% and 25%"}
    assert (table.agree == "open").sum() == len(table) - 3


def test_the_first_page_has_the_main_question_and_says_what_agrees(runs):
    text = both_runs.texts(runs[0])["both_runs"]
    assert rows(text).fraction.tolist() == ["10%", "25%"]
    main = "both kinds of copy raise the Dice of PHE per image"
    assert set(rows(text).question) == {main}
    assert f"- {main}, at 10%: the two runs agree" in text
    assert text.count("they contradict each other\n") + text.endswith("each other") == 2
    assert "`real` is on scans of people and tests 24 of them" in text
    assert "the two runs agree in 1, they contradict each other in 2, open in" in text


def test_both_books_say_the_same_and_each_links_its_own_numbers(runs):
    texts = [both_runs.texts(run)["both_runs_table"] for run in runs]
    plain = [BeautifulSoup(text, "html.parser").get_text() for text in texts]
    assert plain[0] == plain[1]
    for text, column in zip(texts, ("simulated heads", "real heads"), strict=True):
        linked = rows(text).apply(lambda cells: cells.str.contains('class="origin"').all())
        assert linked[linked].index.tolist() == [column]


def test_the_numbers_are_those_of_the_rows_that_they_lead_to(runs, tmp_path):
    for run in runs:
        out = tmp_path / run.folder.name
        write.write(run, out)
        html = "".join((out / f"both_runs{end}.md").read_text() for end in ("", "_table"))
        assert list(shown.links(html)) and shown.complaints(html, run.folder) == []


def test_without_the_other_run_nothing_of_it_appears(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "RESULTS", tmp_path)
    for run in runs:
        assert set(both_runs.texts(run).values()) == {""}


def test_a_large_study_stands_beside_the_pooled_dice_of_every_fraction(runs):
    _, real = runs
    results = real.table("results")
    said = both_runs.another_study(results)
    rows = [line for line in said.splitlines() if line.startswith("| this run")]
    assert len(rows) == 2 * results.fraction.nunique()
    pooled = results[(results.metric == "dice_class_pooled") & (results.lesion == "PHE")]
    row = pooled[(pooled.arm == "both") & (pooled.fraction == 0.25)].iloc[0]
    (line,) = [line for line in rows if "*both* at 25%" in line]
    assert line.endswith(
        f"| {row.value:.3f} ({row.ci_low:.3f} to {row.ci_high:.3f}) |".replace("0.", ".")
    )
    assert both_runs.another_study(results[results.lesion != "PHE"]) == ""
