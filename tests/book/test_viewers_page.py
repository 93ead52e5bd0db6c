"""Viewers: the right pictures beside each other, their values, and controls with names."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image

from lcgan_core.book.pages import viewers
from lcgan_core.cohort.store import AREAS
from lcgan_core.copies import traditional
from lcgan_core.lesions import COLORS, HEMORRHAGES
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.stages import augmentation, cohort, selection, training

CONFIG = profiles.load("quick")
SLICES, SIZE = 12, 32
RESULTS = artefacts.REPOSITORY / "results" / "quick"


def grey(fraction, k, what):
    """A grey level that no other picture has: by share, slice, and 0 real, 1 painted, 2.. epoch."""
    return 40 * CONFIG.fractions.index(fraction) + 3 * k + what


def subset_of(config, fraction, draw=1):
    """Twelve slices of four patients; the lesion of slice k is of type k % 4: EDH has k = 3, 7, 11,
    and there is no SDH. Later slices have more."""
    areas = np.zeros((SLICES, len(AREAS)))
    labels = torch.zeros((SLICES, SIZE, SIZE), dtype=torch.uint8)
    for k in range(SLICES):
        areas[k, k % 4] = 100 * (k + 1)
        labels[k, 8:16, 8 : 12 + k] = k % 4 + 1
    table = pd.DataFrame(areas, columns=AREAS).assign(
        slice=np.arange(SLICES) + 500, patient=[f"p{k // 3}" for k in range(SLICES)]
    )
    levels = torch.tensor([grey(fraction, k, 0) for k in range(SLICES)], dtype=torch.uint8)
    ramp = torch.arange(SIZE, dtype=torch.uint8)  # so that a transformation shows
    images = levels[:, None, None] + torch.zeros((1, SIZE, SIZE), dtype=torch.uint8)
    images[:, 0] = ramp
    return SimpleNamespace(images=images, labels=labels, table=table)


def painted(fraction, what):
    levels = [grey(fraction, k, what) for k in range(SLICES)]
    return np.full((SLICES, SIZE, SIZE), np.array(levels, np.uint8)[:, None, None])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """What `collect` writes for stages that give such slices, beside the CSVs of results/quick."""
    place = tmp_path_factory.mktemp("bundle")

    def copies(config, fraction, draw=1):
        def pairs(kind):
            if kind == "gan":
                return painted(fraction, 1), subset_of(config, fraction).labels.numpy()
            copied = augmentation._transform(traditional.copies, config, fraction, 1, kind)
            return tuple(tensor.numpy() for tensor in copied)

        return SimpleNamespace(pairs=pairs)

    def scored(config, fraction, draw=1):
        images = pd.DataFrame(
            {
                "epoch": epoch, "slice": k + 500, "fcn_score_full": k / 100 + epoch / 1000,
                "sharpness_laplacian": 100.0 * k + epoch, "probability_real": k / 20,
            }
            for epoch in config.lcgan.snapshots
            for k in range(SLICES)
        )  # fmt: skip
        return SimpleNamespace(images=images, epoch=config.lcgan.snapshots[1])

    def candidates(config, fraction, lcgan, labels, root):
        epochs = enumerate(config.lcgan.snapshots)
        return {epoch: torch.from_numpy(painted(fraction, 2 + at)) for at, epoch in epochs}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        patch.setattr(cohort, "training_slices", subset_of)
        patch.setattr(augmentation, "run", copies)
        patch.setattr(selection, "run", scored)
        patch.setattr(selection, "synthetic_candidates", candidates)
        patch.setattr(training, "run", lambda *given, **named: None)
        for fraction in CONFIG.fractions:
            folder = artefacts.folder(CONFIG, Job("selection", fraction))
            folder.mkdir(parents=True)
            real = {"fcn_score_full": 0.9, "sharpness_laplacian": 777.4}
            pd.Series(real, name="real slices").to_csv(folder / "real_images.csv")
        viewers.collect(CONFIG, place)
    of_shares = [quality(share).assign(fraction=share, draw=1) for share in CONFIG.fractions]
    pd.concat(of_shares).to_csv(place / "candidates.csv", index=False)
    for name in ("results.csv", "differences.csv"):
        (place / name).write_text((RESULTS / name).read_text())
    return place


def quality(fraction):
    return pd.DataFrame(
        {
            "epoch": [3, 12], "fcn_score_full": [fraction / 2, fraction / 3],
            "fcn_score_subset": [0.1, np.nan], "sharpness_laplacian": [1234.5, 99.4],
            "realism_share": [1.0, 0.255], "nearest_rmse": [70.25, 8.0],
            "mean_rank_full": [5 / 3, 1.0], "chosen": [False, True],
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def pages(bundle):
    return {
        name: BeautifulSoup(text, "html.parser") for name, text in viewers.texts(bundle).items()
    }


def rows_of(page):
    return pd.DataFrame(json.loads(page.find("script").string))


def level(bundle, name):
    """Grey level of the middle of a picture."""
    picture = np.array(Image.open(bundle / "viewers" / name.rpartition("/")[2]).convert("L"))
    return int(picture[SIZE // 2 + 4, SIZE // 2])


def test_mask_real_and_synthetic_are_of_one_slice(bundle, pages):
    rows = rows_of(pages["viewer_fig6"])
    kept = pd.read_csv(bundle / "viewers" / "fig6.csv")
    # 3 slices of each type of 3 patients; no SDH
    assert len(rows) == len(kept) == 4 * 4 * 3
    assert set(kept.hemorrhage) == set(HEMORRHAGES) - {"SDH"}
    for row, fraction, kind in zip(rows.itertuples(), kept.fraction, kept.hemorrhage, strict=True):
        k, rest = divmod(level(bundle, row.real) - 40 * CONFIG.fractions.index(fraction), 3)
        assert rest == 0
        assert level(bundle, row.synthetic) == grey(fraction, k, 1)
        assert row.said == f"{k + 1:.1f} cm² of {kind}"
        mask = np.array(Image.open(bundle / "viewers" / row.mask.rpartition("/")[2]))
        assert tuple(mask[10, 10]) == COLORS[HEMORRHAGES.index(kind) + 1]


def test_a_row_of_types_shows_different_patients(bundle):
    kept = pd.read_csv(bundle / "viewers" / "fig6.csv")
    for (fraction, _), row in kept.groupby(["fraction", "case"]):
        slices = [
            (level(bundle, name) - 40 * CONFIG.fractions.index(fraction)) // 3 for name in row.real
        ]
        if len(row) == 4:
            assert len({k // 3 for k in slices}) == 4


def test_what_is_said_of_a_copy_makes_it_of_the_original(bundle):
    for row in pd.read_csv(bundle / "viewers" / "fig5.csv").itertuples():

        def stored(name):
            return torch.from_numpy(np.array(Image.open(bundle / "viewers" / name)))

        said = traditional.Transformations(
            *(
                torch.tensor([getattr(row, field)])
                for field in ("angle", "scale", "shear", "blur", "gain")
            )
        )
        original = stored(row.original)[..., 0][None]
        label = (stored(row.original_mask).amax(-1) > 0)[None].to(torch.uint8)
        image, moved = traditional.apply(original, label, said)
        assert (image[0].int() - stored(row.copy)[..., 0].int()).abs().max() <= 1
        assert torch.equal(moved[0] > 0, stored(row.copy_mask).amax(-1) > 0)


def test_an_epoch_shows_its_own_picture_and_that_picture_s_scores(bundle, pages):
    rows = rows_of(pages["viewer_fig3"])
    kept = pd.read_csv(bundle / "viewers" / "fig3.csv")
    assert set(kept.fraction) == set(CONFIG.fractions[:-1])
    for row, fraction in zip(rows.itertuples(), kept.fraction, strict=True):
        epoch = int(row.epoch)
        k = (level(bundle, row.real) - 40 * CONFIG.fractions.index(fraction)) // 3
        at = CONFIG.lcgan.snapshots.index(epoch)
        assert level(bundle, row.synthetic) == grey(fraction, k, 2 + at)
        assert row.judge == f"{k / 100 + epoch / 1000:.3f}"[1:]
        assert row.sharpness == f"{100 * k + epoch}"
        assert row.probability_real == f"{5 * k}%"
        assert row.chosen == ("yes" if at == 1 else "no")


@pytest.mark.parametrize("name", ["viewer_fig3", "viewer_fig5", "viewer_fig6"])
def test_every_picture_that_can_be_chosen_is_there_and_has_a_place(bundle, pages, name):
    page = pages[name]
    rows = rows_of(page)
    pictures = {img["data-show"] for img in page.find_all("img")}
    for field in pictures:
        for path in rows[field]:
            assert path.startswith("../_static/viewers/")
            assert (bundle / "viewers" / path.rpartition("/")[2]).is_file()
    shown = {place["data-show"] for place in page.select("[data-show]")}
    controls = {control["name"] for control in page.find_all("input")} - {"cut", "tint"}
    assert shown | controls == set(rows.columns)
    # every value of a control is that of a row, and every row can be reached
    for field in controls:
        inputs = page.find_all("input", attrs={"name": field})
        given = [
            v for i in inputs for v in json.loads(i.get("data-values", json.dumps([i["value"]])))
        ]
        assert set(given) >= set(rows[field])
        assert field == "kind" or set(given) == set(rows[field])


def test_every_control_has_a_name_and_every_picture_a_text(pages):
    for name, page in pages.items():
        for control in page.find_all("input"):
            label = control.find_parent("label")
            assert control.get("aria-label") or label.get_text(strip=True), name
            if control["type"] == "radio":
                assert control.find_parent("fieldset").legend.get_text(strip=True)
        for img in page.find_all("img"):
            assert len(img["alt"].split()) > 2, name


def test_no_text_ends_its_html_by_a_blank_line(bundle):
    for name, text in viewers.texts(bundle).items():
        assert "\n\n" not in text, name
        assert text.startswith("<")


def test_candidates_show_the_scores_of_each_snapshot(pages):
    table = pages["candidates"].table
    assert {"sortable", "results"} <= set(table["class"])
    cells = [[cell.get_text() for cell in row.find_all("td")] for row in table.tbody.find_all("tr")]
    assert len(cells) == 4 * 3
    assert cells[0] == ["12.5%", "3", ".062", ".100", "1234", "100%", "70.2", "1.67", ""]
    assert cells[1] == ["12.5%", "12", ".042", "–", "99", "26%", "8.0", "1", "yes"]
    assert cells[2] == ["12.5%", "real slices", ".900", "–", "777", "–", "–", "–", ""]
