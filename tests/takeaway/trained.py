"""Small trained networks of two classes as models, made without a run."""

from lcgan_core.protocol import profiles
from lcgan_core.run.plan import Job
from lcgan_core.segmenters.base import save, segmenter
from lcgan_core.stages import cohort, training
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import Trained, described
from lcgan_core.training.engine import fit
from lcgan_core.training.pairs import Pairs

from ..stages.heads import TWO, bleeds, cohort_of, write_store

EPOCHS = (1, 2)


def config_of(place):
    """A configuration over a store of six small heads in `place`/store."""
    if not (place / "store").exists():
        labels, hu = bleeds(6)
        write_store(place / "store", 6, classes=TWO, slices=4, labels=labels, hu=hu)
    return profiles.load(
        "quick", cohort=str(place / "store"), image_size=64, lcgan_width=2,
        lcgan_snapshots=list(EPOCHS), segmentation_width=2, segmentation_steps=2,
        flow_steps=[1, 2],
    )  # fmt: skip


def facts(people=False, **more):
    return Trained(
        cohort="made up", people=people, fraction=1.0, draw=1, patients=4, slices=12,
        pixel_mm=(0.5, 0.5), fingerprint="0", **more,
    )  # fmt: skip


def generator_model(place, name="lcgan", people=False):
    """The model of a generator in `place`/NAME, its last candidate; its training's folder."""
    config = config_of(place)
    heads, folder = place / f"cohort-{name}", place / f"training-{name}"
    cohort_of(config, heads)
    folder.mkdir()
    training.generator(config, Job("training", name, 1.0), {"cohort": heads}, folder)
    last = training.candidates(folder)[-1]
    told = described(config, "generator", name, TWO, facts(people), last)
    description.write(place / name, told, folder)
    return place / name, folder


def segmenter_model(place, name="fcn8s"):
    """The model of a segmenter in `place`/NAME, after two steps, and the segmenter itself."""
    config = config_of(place)
    heads, folder = place / f"cohort-{name}", place / f"training-{name}"
    cohort_of(config, heads)
    folder.mkdir()
    subset = cohort.training_slices(config, heads, 1.0)
    method = segmenter(name, config, len(TWO))
    pairs = Pairs(subset.images, subset.labels)
    task = method.task(pairs, 1)
    fit(task, len(pairs), method.schedule(1.0), 1, folder, name)
    save(task, folder)
    description.write(place / name, described(config, "segmenter", name, TWO, facts()), folder)
    return place / name, method
