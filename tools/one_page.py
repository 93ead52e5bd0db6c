"""The book of a published run as one page to print, and as a PDF where Chromium is installed.

COMMAND: make one-page                    (RUN=quick names another run)
It becomes book/one_page.html beside the other pages, whose pictures it shows. What nobody reads on
paper is left out: the rows behind the numbers and the reference of functions.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bs4 import BeautifulSoup

from lcgan_core import cli
from lcgan_core.book import build
from lcgan_core.book.pages import commands

LEFT_OUT = ("book/all_results", "book/all_runs", "book/api")
HERE = re.compile(r"^(?=_(?:static|images|downloads|sources)/)")
ITSELF = re.compile(r"^.*\bintro\.html(?=#)")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def one_page(text: str, documents: Iterable[str]) -> str:
    """Sphinx's single page, as a page of the folder book/ whose links to what is left out lead to
    the pages of their own (`documents`: names of all pages)."""
    soup = BeautifulSoup(text, "html.parser")
    for script in soup.find_all("script", src=re.compile("^https?:")):
        script.decompose()  # MathJax of another host; no page has a formula for it
    gone = [name for name in documents if name.startswith(LEFT_OUT)]
    for name in gone:
        if (start := soup.find(id=f"document-{name}")) is not None:
            if (section := start.find_next_sibling("section")) is not None:
                section.decompose()
            start.decompose()
    for tag in soup.find_all(True):
        for link in {"src", "href"} & tag.attrs.keys():
            tag[link] = HERE.sub("../", ITSELF.sub("", tag[link]))
            if tag[link].removeprefix("#document-") in gone:
                tag[link] = f"../{tag[link].removeprefix('#document-')}.html"
    for details in soup.find_all("details"):
        details["open"] = ""
    return str(soup)


def main(run: str = "") -> None:
    """Build the book, the page, and the PDF."""
    pages = build.render(run, commands.text(cli.app))
    place = pages.parents[1]
    program = Path(sys.executable).with_name("jupyter-book")
    made = ["build", "-n", "-q", "--builder", "singlehtml", str(place)]
    subprocess.run([str(program), *made], check=True, stdout=subprocess.DEVNULL)
    whole = place / "_build" / "singlehtml"
    documents = [
        path.relative_to(pages).with_suffix("").as_posix() for path in pages.rglob("*.html")
    ]
    page = pages / "book" / "one_page.html"
    page.write_text(one_page((whole / "book" / "intro.html").read_text(), documents))
    shutil.rmtree(whole)
    print(f"One page: {page}")
    if browser := next(filter(None, map(shutil.which, BROWSERS)), None):
        print(f"PDF: {_printed(page, browser)}")


def _printed(page: Path, browser: str) -> Path:
    pdf = page.with_suffix(".pdf")
    given = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    waited = ["--virtual-time-budget=20000", f"--print-to-pdf={pdf}"]
    subprocess.run([browser, *given, *waited, page.as_uri()], check=True, capture_output=True)
    return pdf


if __name__ == "__main__":
    main(*sys.argv[1:])
