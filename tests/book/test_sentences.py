"""What the book says of a row of claims.csv."""

from lcgan_core.book.pages import scrutiny
from lcgan_core.metrics import claims
from tests.metrics.planted import FIVE, grid


def put(*args, **planted):
    return claims.put_to(grid(*args, **planted), FIVE)


def test_a_sentence_holds_number_interval_n_and_verdict():
    said = scrutiny.sentence(put({"both": 0.2}, spread=0.001).iloc[0])
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
    few = claims.LEAST_PATIENTS - 1
    for patients in (few, few + 1):
        table = put({"both": 0.3}, spread=0.001, patients=patients)
        said = table.apply(scrutiny.sentence, axis=1)
        assert said.str.contains("too few to decide").all() == (patients == few)
    one = put({"both": 0.3}, patients=1).iloc[0]
    assert "too few for an interval" in scrutiny.sentence(one)


def test_draws_are_told_where_there_are_several():
    said = put({"both": 0.2}, draws={0.125: 3, 0.25: 2}).apply(scrutiny.sentence, axis=1)
    assert "n = 9 test patients, 3 draws" in said[0]
    assert "n = 9 test patients, 2 draws" in said[1]
    assert "draws" not in said[2]


def test_without_a_number_of_the_paper_none_is_told():
    said = put({"both": 0.2}, fractions=(0.5, 1.0)).apply(scrutiny.sentence, axis=1)
    assert not said.str.contains("the paper's value").any()
