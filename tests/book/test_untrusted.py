"""A bundle from somebody else: a script planted in any of its fields reaches no page."""

import json
import shutil

import nbformat
import pandas as pd
import pytest

from lcgan_core.book import bundle, places
from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes

SCRIPT = "<script>fetch('//there')</script>"
PLANTED = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "[here](javascript:alert(1))",
    "{raw}`x`",
    "a | b\n\n```{raw} html",
    "`code`",
    "$x$",
)
QUICK = places.RESULTS / "quick"
COLUMNS = [
    (path.relative_to(QUICK).as_posix(), column)
    for path in sorted(QUICK.rglob("*.csv"))
    for column in pd.read_csv(path).columns
]


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(QUICK, tmp_path / "theirs")
    return tmp_path / "theirs"


def refused(folder):
    bundle.seal(folder)
    with pytest.raises(UserError, match="holds what no page may show") as refusal:
        bundle.opened(folder)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize("name", sorted({name for name, _ in COLUMNS}))
def test_no_column_of_a_table_takes_a_script(copy, name):
    whole = (copy / name).read_text()
    for column in [column for other, column in COLUMNS if other == name]:
        table = pd.read_csv(copy / name, dtype=str)
        table.loc[len(table) - 1, column] = SCRIPT
        table.to_csv(copy / name, index=False)
        assert name in refused(copy)
        (copy / name).write_text(whole)
    (copy / name).write_text(whole.replace("\n", f",{SCRIPT}\n", 1))
    refused(copy)


@pytest.mark.parametrize("text", PLANTED)
def test_no_markup_of_any_language_passes(copy, text):
    table = pd.read_csv(copy / "runs.csv", dtype=str)
    table.loc[0, "device"] = text
    table.to_csv(copy / "runs.csv", index=False)
    refused(copy)


def strings(value, path=()):
    if isinstance(value, str):
        yield path
    for key, each in value.items() if isinstance(value, dict) else ():
        yield from strings(each, (*path, key))
    for number, each in enumerate(value) if isinstance(value, list) else ():
        yield from strings(each, (*path, number))


def test_no_text_of_the_record_takes_a_script(copy):
    whole = (copy / "provenance.json").read_text()
    places_of_text = [p for p in strings(json.loads(whole)) if p[0] != "files"]
    assert len(places_of_text) > 20
    for place in places_of_text:
        record = json.loads(whole)
        inner = record
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = SCRIPT
        (copy / "provenance.json").write_text(json.dumps(record))
        with pytest.raises(UserError):
            bundle.opened(copy)


def output(kind, **data):
    return nbformat.v4.new_output(kind, data)


CELLS = {
    "markdown": nbformat.v4.new_markdown_cell("x <img src=x onerror=alert(1)>"),
    "directive": nbformat.v4.new_markdown_cell("```{raw} html\nx\n```"),
    "raw": nbformat.v4.new_raw_cell(SCRIPT),
    "script": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"application/javascript": "alert(1)"})]
    ),
    "html": nbformat.v4.new_code_cell(outputs=[output("display_data", **{"text/html": SCRIPT})]),
    "event": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"text/html": "<td onclick='x'>1</td>"})]
    ),
    "Markdown": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"text/markdown": "<b>x</b>"})]
    ),
    "picture from elsewhere": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"text/html": "<img src='//there/x.png'>"})]
    ),
    "comment": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"text/html": "<!-- --!><script>x</script>"})]
    ),
    "half a tag": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"text/html": "1 <<img/src=x onerror=y>"})]
    ),
    "drawing": nbformat.v4.new_code_cell(
        outputs=[output("display_data", **{"image/svg+xml": "<svg/>"})]
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_notebooks_keep_the_outputs_of_the_books_own(copy, name):
    own = nbformat.read(places.ROOT / "notebooks/01_cohort.ipynb", 4)
    (copy / "notebooks").mkdir()
    nbformat.write(own, copy / "notebooks/01_cohort.ipynb")
    bundle.seal(copy)
    bundle.opened(copy)
    own.cells.append(CELLS[name])
    nbformat.write(own, copy / "notebooks/01_cohort.ipynb")
    assert "01_cohort.ipynb" in refused(copy)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        '<image href="https://there/x.png"/>',
        "<foreignObject/>",
        "<unclosed>",
    ],
)
def test_drawings_have_no_scripts(copy, inside):
    (copy / "fig3.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>')
    assert "fig3.svg" in refused(copy)


def test_a_page_of_html_is_no_part_of_a_bundle(copy):
    (copy / "viewers/there.html").write_text(SCRIPT)
    assert "there.html" in refused(copy)


def test_published_bundles_pass():
    for folder in sorted(path.parent for path in places.RESULTS.glob("*/provenance.json")):
        assert bundle.opened(folder).folder == folder


def test_titles_of_classes_are_plain():
    with pytest.raises(ValueError, match="is not a title"):
        Classes(("PHE",), (SCRIPT,))
