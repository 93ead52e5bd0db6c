"""What is looked at on a page: each check returns a sentence for everything that is wrong."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe()
RULES = {"light": ["wcag2a", "wcag2aa"], "dark": ["color-contrast"]}
"""What axe looks at in each theme: only colours differ between them."""
OF_DOCUTILS = {
    ("aria-deprecated-role", 'role="doc-biblioentry"'): "its HTML writer gives citations this role",
    ("aria-required-children", 'class="citation-list"'): "and so their list has no list items",
}
"""(axe rule, part of the HTML) -> why it is there: written by docutils, with no setting for it."""


def images(page: Page) -> list[str]:
    """Images that did not load or that have no text for those who cannot see them."""
    found = page.evaluate(
        """() => [...document.images].filter(image => image.closest('main')).map(image => {
            image.loading = 'eager';
            return [image.getAttribute('src'), image.getAttribute('alt')];
        })"""
    )
    page.wait_for_function("[...document.images].every(image => image.complete)")
    empty = page.evaluate(
        "[...document.images].filter(image => !image.naturalWidth).map(image => image.src)"
    )
    texts = [f"{src} has no alt text" for src, alt in found if _no_text(src, alt)]
    return [f"{src} did not load" for src in empty] + texts


def _no_text(src: str, alt: str | None) -> bool:
    """No words: Sphinx puts the file's name where a page gives none."""
    return len((alt or "").split()) < 3 or alt == src


def axe(page: Page, theme: str) -> list[str]:
    """Violations of WCAG 2 A and AA in the light or dark theme, but for those of OF_DOCUTILS.

    Tables are cut after 20 rows: the rest are alike, and axe would read thousands of them.
    """
    page.evaluate(
        "document.querySelectorAll('tbody tr:nth-child(n + 20)').forEach(row => row.remove())"
    )
    page.add_style_tag(content="* { transition: none !important }")  # colours change over a moment
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    found = []
    # axe would fetch style sheets by itself, and from wrong addresses
    options = {"runOnly": RULES[theme], "resultTypes": ["violations"], "preload": False}
    for violation in AXE.run(page, options=options).response["violations"]:
        for node in violation["nodes"]:
            if any(violation["id"] == rule and part in node["html"] for rule, part in OF_DOCUTILS):
                continue
            where = " ".join(str(part) for part in node["target"])
            found.append(f"{theme}, {violation['id']}: {where}: {node['html'][:160]}")
    return found


def sideways(page: Page) -> list[str]:
    """What makes a page wider than its window."""
    return page.evaluate(
        """() => {
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return [];
            const clipped = node => {
                for (let up = node.parentElement; up && up !== document.body; up = up.parentElement)
                    if (getComputedStyle(up).overflowX !== 'visible') return true;
                return false;
            };
            return [...document.body.querySelectorAll('*')]
                .filter(node => node.getBoundingClientRect().right > room + 1 && !clipped(node))
                .slice(0, 5)
                .map(node => `${node.tagName} ${node.className} is wider than the page`)
                .concat(['the page scrolls sideways']);
        }"""
    )


class _Anchors(HTMLParser):
    """The links of a page, and the names that a link to it may end in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.names |= {given[name] for name in ("id", "name") if name in given}


def broken_links(html: Path) -> list[str]:
    """Links within a built book whose page, file or place on a page is not there."""
    pages = {path: _Anchors(path.read_text()) for path in html.rglob("*.html")}
    found = []
    for path, anchors in pages.items():
        for link in dict.fromkeys(anchors.links):
            to = urlsplit(link)
            if to.scheme or to.netloc:
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(to.fragment)
            if not target.is_file():
                found.append(f"{path.relative_to(html)}: there is no {link}")
            elif place and target in pages and place not in pages[target].names:
                found.append(f"{path.relative_to(html)}: {link} names no place on that page")
    return found
