"""A finished run with made-up numbers and pictures: what its stages leave for the book."""

import itertools
import json

import nbformat
import numpy as np
import pandas as pd
from PIL import Image

from lcgan_core.lesions import FIVE
from lcgan_core.metrics.claims import claims
from lcgan_core.metrics.same_types import FOUND, SAME
from lcgan_core.metrics.subgroups import RULES, SIZES
from lcgan_core.metrics.verdicts import COLUMNS
from lcgan_core.protocol import methods, paper
from lcgan_core.protocol.profiles import STAGE_PARAMETERS
from lcgan_core.run import artefacts, pages, plan

SIZE = 16
METRICS = ("dice_instance", "dice_class_detected", "dice_class_pooled", "precision", "recall")


def finished(config, classes=FIVE):
    """Artefacts of all jobs of a run, and its executed notebooks, below $LCGAN_RUNS."""
    for job in plan.jobs(config):
        folder = artefacts.folder(config, job)
        folder.mkdir(parents=True)
        if job.stage in WRITERS:
            WRITERS[job.stage](config, job, folder, classes)
        needed = plan.inputs(config, job).values()
        record = {
            "stage": job.stage, "key": job.key, "fingerprint": plan.fingerprint(config, job),
            "inputs": {one.place: plan.fingerprint(config, one) for one in needed},
            "config": config.nameless(), "code": "c0de", "device": "CPU (test)", "threads": 1,
            "python": "3.11", "versions": {"torch": "2.0"}, "seconds": 1.5,
        }  # fmt: skip
        (folder / artefacts.PROVENANCE).write_text(json.dumps(record))
    for stage in STAGE_PARAMETERS:
        cell = nbformat.v4.new_code_cell(
            "a = 1", metadata={"tags": ["injected-parameters"], "papermill": {}}
        )
        notebook = nbformat.v4.new_notebook(
            metadata={"papermill": {"input_path": "/x"}}, cells=[cell]
        )
        pages.executed(config, stage).parent.mkdir(exist_ok=True)
        nbformat.write(notebook, pages.executed(config, stage))


def picture(k, rgb=False):
    """A picture that no other number has, up to 255 of them."""
    return np.full((SIZE, SIZE, 3) if rgb else (SIZE, SIZE), k % 256, np.uint8)


def _saved(folder, names, k):
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(picture(k)).save(folder / name, lossless=True)
    return names


def _viewer(folder, name, rows):
    pd.DataFrame(rows).to_csv(folder / "viewer" / f"{name}.csv", index=False)


def selection(config, job, folder, classes):
    epochs = config.lcgan.snapshots
    of_epochs = {
        name: np.linspace(0.1, 0.9, len(epochs)) + job.fraction / 100 + job.draw / 1000
        for name in ("fcn_score_full", "fcn_score_subset", "realism_share")
    } | {
        name: np.linspace(10, 90, len(epochs)) + job.fraction
        for name in ("sharpness_laplacian", "sharpness_fourier", "nearest_rmse", "mean_rank_full")
    }
    first, last = (np.arange(len(epochs)) == k for k in (0, len(epochs) - 1))
    chosen = {"chosen_by_full": last, "chosen_by_subset": first, "chosen": last}
    silent = "realism_share is the same for all candidates." if job.draw > 1 else ""
    table = pd.DataFrame(
        {"epoch": epochs, **of_epochs, **chosen, "realism_auc": 0.75, "left_out": silent}
    )
    table.to_csv(folder / "candidates.csv", index=False)
    real = {"fcn_score_full": 0.75, "sharpness_laplacian": 777.4}
    pd.Series(real, name="real slices").to_csv(folder / "real_images.csv")
    ends = {"ci_low": 0.125, "ci_high": 0.5, "n": 9, "own": 0.0}
    spaces = [{"space": space, "closer": 0.25, **ends} for space in ("pixels", "features")]
    pd.DataFrame(spaces).to_csv(folder / "memorisation.csv", index=False)
    sets = [
        {"set": of, "distance": 0.2, "low": 0.1, "high": 0.3, "n": 9}
        for of in ("synthetic", "real")
    ]
    pd.DataFrame(sets).to_csv(folder / "kernel_distance.csv", index=False)
    columns = [f"{space}_{of}" for space in ("pixels", "features") for of in ("synthetic", "real")]
    pd.DataFrame(np.arange(24.0).reshape(6, 4), columns=columns).to_csv(
        folder / "neighbours.csv", index=False
    )
    some = np.stack([picture(k) for k in range(3)])
    masks = np.zeros_like(some)
    masks[:, 4:9, 4:9] = 1
    np.savez(
        folder / "closest.npz", synthetic=some, labels=masks, training=some, training_labels=masks,
        rmse=np.arange(3.0),
    )  # fmt: skip
    for epoch, name in itertools.product(epochs, classes.names):
        np.savez(
            folder / f"examples-{epoch}-{name}.npz", images=some, labels=masks,
            fcn_score=np.array([0.5, 0.4, 0.3]),
        )  # fmt: skip
    if job.draw > 1:
        return
    rows = []
    for name, epoch in itertools.product(classes.names, epochs):
        stem = f"fig3-{job.fraction:g}-{name}"
        files = (f"{stem}-mask.webp", f"{stem}-real.webp", f"{stem}-{epoch}.webp")
        mask, real_slice, synthetic = _saved(folder / "viewer", files, epoch)
        rows.append(
            {
                "fraction": job.fraction, "lesion": name, "epoch": epoch,
                "chosen": epoch == epochs[-1], "judge": 0.5, "sharpness": 12.3,
                "probability_real": np.nan if name == classes.names[0] else 0.25,
                "mask": mask, "real": real_slice, "synthetic": synthetic,
            }
        )  # fmt: skip
    _viewer(folder, "fig3", rows)


def augmentation(config, job, folder, classes):
    some = np.stack([picture(k) for k in range(len(classes))])
    masks = np.arange(1, len(classes) + 1, dtype=np.uint8)[:, None, None] * (some >= 0)
    masks[:, :4] = 0
    if job.what == "traditional":
        both = np.stack([masks, masks])
        np.savez(folder / "fig5.npz", originals=some, copies=some, labels=both)
        files = [f"fig5-{part}.webp" for part in ("original", "mask", "copy", "copy-mask")]
        columns = ("original", "original_mask", "copy", "copy_mask")
        done = {"angle": -13.2, "scale": 1.09, "shear": 1.8, "blur": True, "gain": 1.0}
        shown = dict(zip(columns, _saved(folder / "viewer", files, 9), strict=True))
        _viewer(folder, "fig5", [{"case": 1, **done, **shown}])
    if methods.generator_of(job.what):
        np.savez(folder / "fig6.npz", labels=masks, targets=some, outputs=some)
        measured = {"slices": 5, "real": 61.0 + job.fraction, "synthetic": 58.0}
        pd.DataFrame([{"lesion": name, **measured} for name in classes.names]).to_csv(
            folder / "densities.csv", index=False
        )
        rows = []
        for name, case in itertools.product(classes.names, (1, 2)):
            stem = f"fig6-{job.fraction:g}-{name}-{case}"
            files = {part: f"{stem}-{part}.webp" for part in ("mask", "real", "synthetic")}
            _saved(folder / "viewer", list(files.values()), case)
            rows.append(
                {"fraction": job.fraction, "lesion": name, "case": case, "area_cm2": 3.25, **files}
            )
        _viewer(folder, "fig6", rows)


def evaluation(config, job, folder, classes):
    start = {"profile": config.name, "seed": config.seed}
    numbers = itertools.count(1000)

    def value():
        """Another one for every cell, with three digits that differ."""
        here = next(numbers) % 997 / 1000
        return {"value": here, "ci_low": here - 0.01, "ci_high": here + 0.02}

    networks = [
        {"segmenter": segmenter, "fraction": fraction, "arm": arm}
        for segmenter in config.segmenters
        for fraction in config.fractions
        for arm in config.arms_at(fraction)
    ]
    every = ("all", *classes.names)
    cells = [{"metric": metric, "lesion": name} for metric in METRICS for name in every]
    cells.insert(0, {"metric": "dice_image", "lesion": "all"})
    cells += [{"metric": metric, "lesion": "all"} for metric in ("dice_patient", SAME, FOUND)]
    n = {"n": 9}
    tables = {
        "results": [{**of, **cell, **value(), **n} for of in networks for cell in cells],
        "draws": [
            {**of, "draw": draw, **cell, "value": value()["value"], **n, "sd": 0.125}
            for of in networks
            for draw in config.draws_at(of["fraction"])
            for cell in cells
        ],
        "differences": [
            {**of, "baseline": other["arm"], **cell, **value(), **n}
            | {"draws": len(config.draws_at(of["fraction"])), "p": 0.25}
            for other, of in itertools.combinations(networks, 2)
            if (of["segmenter"], of["fraction"]) == (other["segmenter"], other["fraction"])
            for cell in cells
        ],
        "by_size": [
            {**of, "size": size, "metric": metric, "lesion": name, **value(), **n}
            for of in networks
            for size in SIZES
            for metric in ("dice_instance", "recall")
            for name in every
        ],
        "sensitivity": [
            {**of, "rule": rule, "metric": metric, "lesion": name, **value(), **n}
            for of in networks
            for rule in RULES
            for metric in ("precision", "recall")
            for name in every
        ],
    }
    tables["training"] = [
        {**of, "draw": draw, "steps": 90, "best_step": 60, "train_dice": 0.777}
        | {"validation_dice": 0.555, "dice_image": 0.333, "converged": of["arm"] != "gan"}
        for of in networks
        for draw in config.draws_at(of["fraction"])
    ]
    for name, rows in tables.items():
        table = pd.DataFrame([start | row for row in rows])
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6f")
    pairs = paper.beside(config.fractions)
    asked = []
    for segmenter, claim in itertools.product(
        config.segmenters, claims(config.fractions, classes.names, config.evaluation.primary)
    ):
        fractions = sorted({fraction for _, fraction, _ in claim.terms})
        theirs = [pairs.get(fraction) for fraction in fractions]
        known = None not in theirs and claim.of_paper
        asked.append(
            {
                "id": claim.id, "source": "paper" if claim.of_paper else "question",
                "claim": claim.says, "segmenter": segmenter,
                "share": " and ".join(map(paper.percent, fractions)),
                "paper_share": " and ".join(map(paper.percent, theirs)) if known else "",
                "paper": 0.05 if known else np.nan, **value(), "n": 9,
                "draws": " and ".join(str(len(config.draws_at(f))) for f in fractions),
                "role": claim.role, "p": 0.25, "p_holm": 0.5 if claim.role == "primary" else np.nan,
                "half_width": 0.015, "equivalent": "undecided",
                "magnitude": "outside" if known else "", "detectable": 0.033,
                "verdict": "undecided", "reason": "the interval contains 0",
            }
        )  # fmt: skip
    pd.DataFrame(asked, columns=COLUMNS).to_csv(folder / "claims.csv", index=False)
    facts = {
        "profile": config.name, "overrides": {}, "cohort": "in-silico",
        "classes": classes.to_json(), "patients": {"train": 48, "test": 24}, "slices": 576,
        "lesion_slices": {"train": 153, "test": 73},
        "draws": list(zip(config.fractions, config.draws, strict=True)), "remarks": [],
        "image_size": SIZE, "segmenters": list(config.segmenters), "initialisation": "Random.",
        "code": "c0de", "versions": {"torch": "2.0"}, "device": ["CPU (test)"],
        "training_seconds": 9,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))


WRITERS = {"selection": selection, "augmentation": augmentation, "evaluation": evaluation}
