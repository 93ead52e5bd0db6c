"""What the book says of a row of claims.csv."""

from lcgan_core.book.pages import statements
from lcgan_core.metrics import verdicts
from tests.metrics.planted import FIVE, grid


def put(*args, **planted):
    return verdicts.put_to(grid(*args, **planted), FIVE)


def test_a_sentence_holds_number_interval_n_and_verdict():
    said = statements.sentence(put({"both": 0.2}, spread=0.001).iloc[0])
    assert said.startswith("The paper's claim that both kinds of copy raise the Dice per image is")
    for part in (
        "**confirmed** at 12.5%",
        "+.200",
        "95 % interval",
        "n = 9",
        "paper's value is +.127 at 2.5%",
    ):
        assert part in said


def test_too_few_patients_are_told():
    few = verdicts.LEAST_PATIENTS - 1
    for patients in (few, few + 1):
        table = put({"both": 0.3}, spread=0.001, patients=patients)
        said = table.apply(statements.sentence, axis=1)
        told = said.str.contains("5 patients with a case, 6 are needed")
        assert told.all() if patients == few else not told.any()
    one = put({"both": 0.3}, patients=1).iloc[0]
    assert "too few for an interval" in statements.sentence(one)


def test_draws_are_told_where_there_are_several():
    said = put({"both": 0.2}, draws={0.125: 3, 0.25: 2}).apply(statements.sentence, axis=1)
    assert "n = 9 test patients, 3 draws" in said[0]
    assert "n = 9 test patients, 2 draws" in said[1]
    assert ": 2 draws, 6 are needed. A true difference of ." in said[1]
    assert "needed" not in said[2]


def test_without_a_number_of_the_paper_none_is_told():
    said = put({"both": 0.2}, fractions=(0.5, 1.0)).apply(statements.sentence, axis=1)
    assert not said.str.contains("the paper's value").any()


def test_what_a_single_draw_would_have_found_is_not_told():
    said = put({"both": 0.2}, draws={0.125: 1}).apply(statements.sentence, axis=1)
    assert said[0].endswith("): 1 draw, 6 are needed.")


def test_the_paper_s_number_is_said_to_lie_inside_or_outside():
    said = put({"both": 0.06}, spread=0.001).apply(statements.sentence, axis=1)
    assert "the paper's value is +.127 at 2.5%, outside our interval" in said[0]
    assert "the paper's value is +.060 at 10%, inside our interval" in said[1]


def test_of_many_claims_the_primary_and_the_decided_ones_are_told_and_the_rest_counted():
    table = put({"both": 0.2, "gan": 0.2}, spread=0.05)
    told = (table.role == "primary") | (table.verdict != "undecided")
    assert 3 < told.sum() < len(table)
    *lines, last = statements.sentences(table).splitlines()
    assert len(lines) == told.sum()
    assert last == f"- {(~told).sum()} others, counted once per fraction, are undecided."
    assert statements.sentences(table[:0]) == ""
