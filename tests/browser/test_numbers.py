"""The built pages show what their CSVs say, and every number leads to its row."""

from tests.regression import shown


def test_the_built_pages_show_what_their_csvs_say(book):
    csvs = book.parent.parent / "book" / "generated"
    text = "\n".join(path.read_text() for path in (book / "book").glob("*.html"))
    assert shown.complaints(text, csvs) == []
    assert len(list(shown.links(text))) > 300
