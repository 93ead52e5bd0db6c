"""The page to print: what nobody reads on paper is left out, and no link or picture is lost."""

from bs4 import BeautifulSoup

from tools.one_page import one_page

PAGE = """
<link href="_static/a.css"><script src="https://elsewhere/mathjax.js"></script>
<span id="document-book/results"></span><section id="found"><h1>Found</h1>
<a href="#document-book/all_results">rows</a> <a href="all_results.html#r1">.5</a>
<a href="../book/intro.html#limits">limits</a>
<img src="_images/a.png"><img src="../_static/v/b.webp">
<details><summary>more</summary>hidden</details></section>
<span id="document-book/all_results"></span><section id="all"><h1>All results</h1></section>
<span id="document-book/api/run"></span><section id="run"><h1>Run</h1></section>
<span id="document-book/limits"></span><section id="limits"><h1>Limits</h1></section>
"""


def test_the_page_of_the_folder_book():
    names = ("book/results", "book/all_results", "book/api/run", "book/limits")
    made = BeautifulSoup(one_page(PAGE, names), "html.parser")
    assert [heading.get_text() for heading in made.find_all("h1")] == ["Found", "Limits"]
    assert [a["href"] for a in made.find_all("a")] == [
        "../book/all_results.html", "all_results.html#r1", "#limits",
    ]  # fmt: skip
    assert [i["src"] for i in made.find_all("img")] == ["../_images/a.png", "../_static/v/b.webp"]
    assert made.link["href"] == "../_static/a.css"
    assert made.script is None and made.details.has_attr("open")
