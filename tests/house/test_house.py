"""The repository and the book's sources hang together."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from lcgan_core import cli
from lcgan_core.book import bundle
from lcgan_core.book.pages import commands, write

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
OF_NO_RUN = {"generated/performance.md", "generated/commands.md", "generated/slips.md"}
"""What follows from no run: the times of `make bench`, the command line, the paper's tables."""

MAX_BYTES = 1_500_000
# Spelled so that this file does not match itself.
FOREIGN = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.com|deb\.debian\.org"
    r"|(?<![A-Za-z0-9_.])/(?:work|farm|root|home|Users)/[A-Za-z]"
)
NEEDED_FILES = [
    "README.md", "LICENSE", "CITATION.cff", "CONTRIBUTING.md", "Makefile", "Snakefile",
    "pyproject.toml", "requirements.lock", "environment.yml", "_config.yml", "_toc.yml",
    "data/paper_tables.csv", ".ci/run",
]  # fmt: skip


def foreign(text: str) -> list[str]:
    """Lines that name a package host or a path of one machine."""
    return [line for line in text.splitlines() if FOREIGN.search(line)]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def is_text(path: Path) -> bool:
    return b"\0" not in path.read_bytes()[:8192]


def toc_files() -> list[str]:
    """Every file that _toc.yml names, the root first."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    found = [toc["root"]]

    def walk(node):
        if isinstance(node, dict):
            found.extend([node["file"]] if "file" in node else [])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk({key: value for key, value in toc.items() if key != "root"})
    return found


def pages() -> list[Path]:
    return [*sorted(BOOK.rglob("*.md")), ROOT / "CHANGELOG.md"]


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> set[str]:
    """What the book generates for its pages, of the run that it shows by default."""
    out = tmp_path_factory.mktemp("book") / "generated"
    write.write(bundle.opened(bundle.published()), out)
    (out / "commands.md").write_text(commands.text(cli.app))
    return {f"generated/{path.name}" for path in out.iterdir() if path.stat().st_size}


def included(text: str) -> list[str]:
    """Paths that a page takes in: includes, figures, images."""
    return re.findall(r"\{(?:include|literalinclude|figure|slices|image)\}\s+(\S+)", text)


def cited(text: str) -> set[str]:
    keys = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
    return {key.strip() for group in keys for key in group.split(",")}


def bib_keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,\s]+),", text, re.M)


@pytest.mark.parametrize("name", NEEDED_FILES)
def test_repository_has(name):
    assert (ROOT / name).is_file()


def test_no_tracked_file_is_large():
    large = [f"{p.relative_to(ROOT)}" for p in tracked() if p.stat().st_size > MAX_BYTES]
    assert large == []


def test_no_host_and_no_machine_path_is_named():
    found = [
        f"{path.relative_to(ROOT)}: {line[:120]}"
        for path in tracked()
        if is_text(path)
        for line in foreign(path.read_text(errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize("text", ["https://py" + "pi.org/simple", "cd /wo" + "rk/main"])
def test_foreign_is_seen(text):
    assert foreign(f"fine\n{text}\n") == [text]


def test_toc_names_existing_files():
    missing = [
        name
        for name in toc_files()
        if not any((ROOT / f"{name}{suffix}").is_file() for suffix in (".md", ".ipynb"))
    ]
    assert missing == []


def test_toc_names_every_page_and_notebook():
    sources = [*pages(), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in sources}
    assert names == set(toc_files())


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_page_takes_in_only_what_is_there(page, generated):
    names = {name for name in included(page.read_text()) if name not in generated}
    assert [name for name in names if not (page.parent / name).is_file()] == []


def test_every_generated_text_and_picture_is_shown(generated):
    shown = {name for page in pages() for name in included(page.read_text())}
    assert {name for name in generated - shown if name.endswith((".md", ".png"))} == set()


def test_every_figure_has_a_text_for_those_who_cannot_see_it():
    for page in pages():
        blocks = re.findall(r"```\{(?:figure|slices)\}.*?```", page.read_text(), re.S)
        assert all(re.search(r"^:alt: .{20,}", block, re.M) for block in blocks), page.name


def test_every_result_page_says_which_run_it_shows():
    for page in pages():
        names = set(included(page.read_text())) - OF_NO_RUN
        if any(name.startswith("generated/") for name in names):
            assert names & {"generated/run.md", "generated/which_run.md"}, page.name


def test_citations_and_bibliography_agree():
    sources = [*pages(), *(ROOT / "notebooks").glob("*.ipynb")]
    keys = bib_keys((BOOK / "references.bib").read_text())
    assert len(keys) == len(set(keys))
    assert set().union(*(cited(path.read_text()) for path in sources)) == set(keys)


def modules(package: str) -> set[str]:
    """Dotted names of the modules of a package that hold any code."""
    return {
        f"{package}.{path.stem}" if path.stem != "__init__" else package
        for path in ROOT.joinpath(*package.split(".")).glob("*.py")
        if path.stat().st_size
    }


def test_api_reference_has_every_module_that_a_user_imports():
    rooms = (
        "models", "metrics", "generators", "segmenters", "copies", "criteria", "training", "stages",
        "cohort", "protocol", "run",
    )  # fmt: skip
    wanted = set().union(*(modules(f"lcgan_core.{room}") for room in rooms))
    texts = (page.read_text() for page in (BOOK / "api").glob("*.md"))
    shown = {name for text in texts for name in re.findall(r"automodule:: (\S+)", text)}
    assert wanted - shown == set()


def test_api_reference_names_only_modules_that_are_there():
    texts = [page.read_text() for page in (BOOK / "api").glob("*.md")]
    shown = {name for text in texts for name in re.findall(r"automodule:: (\S+)", text)}
    places = {name: ROOT.joinpath(*name.split(".")) for name in shown}
    lost = [n for n, p in places.items() if not (p.is_dir() or p.with_suffix(".py").is_file())]
    assert lost == []
