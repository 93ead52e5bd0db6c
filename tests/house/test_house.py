"""The repository and the book's sources hang together."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
GENERATED = {
    "run.md", "headline.md", "table1.md", "table2.md", "table3.md",
    "fig3.png", "fig5.png", "fig6.png", "fig7.png",
    "fig3.md", "fig5.md", "fig6.md", "fig7.md",
    "claims.md", "claims_table.md", "questions.md", "controls.md", "draws.md", "by_size.md",
    "sensitivity.md",
    "judges.md", "memorisation.md", "densities.md", "slips.md",
    "forest.png", "neighbours.png", "closest.png",
    "forest.md", "neighbours.md", "closest.md",
    "all_results.md", "all_runs.md", "settings.md",
    "performance.md", "answer.md", "certainty.md", "commands.md",
    "viewer_fig3.md", "viewer_fig5.md", "viewer_fig6.md", "charts_fig7.md", "charts_forest.md",
    "candidates.md",
}  # fmt: skip
"""What lcgan_core.report writes into book/generated before the book is built."""
OF_NO_RUN = {"generated/performance.md", "generated/commands.md"}
"""The devices that something was measured on, and the command line: they follow from no run."""

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


def included(text: str) -> list[str]:
    """Paths that a page takes in: includes, figures, images."""
    return re.findall(r"\{(?:include|literalinclude|figure|image)\}\s+(\S+)", text)


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
def test_page_takes_in_only_what_is_there(page):
    for name in included(page.read_text()):
        if name.startswith("generated/"):
            assert name.removeprefix("generated/") in GENERATED
        else:
            assert (page.parent / name).is_file(), name


def test_every_generated_file_is_shown():
    shown = {name for page in pages() for name in included(page.read_text())}
    assert {f"generated/{name}" for name in GENERATED} <= shown


def test_every_figure_has_a_text_for_those_who_cannot_see_it():
    for page in pages():
        blocks = re.findall(r"```\{figure\}.*?```", page.read_text(), re.S)
        assert all(re.search(r"^:alt: .{20,}", block, re.M) for block in blocks), page.name


def test_every_result_page_says_which_run_it_shows():
    for page in pages():
        names = set(included(page.read_text())) - OF_NO_RUN
        if any(name.startswith("generated/") for name in names):
            assert "generated/run.md" in included(page.read_text()), page.name


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
    packages = ("models", "metrics", "transforms", "loops", "stages", "cohort", "report")
    wanted = set().union(*(modules(f"lcgan_core.{name}") for name in packages))
    wanted |= {f"lcgan_core.{name}" for name in ("profiles", "runs", "plan")}
    texts = (page.read_text() for page in (BOOK / "api").glob("*.md"))
    shown = {name for text in texts for name in re.findall(r"automodule:: (\S+)", text)}
    assert wanted <= shown
