"""Estimates with planted effects, as stage 6 would put them to the claims."""

import numpy as np

from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.estimates import Estimate
from lcgan_core.metrics.overlap import Overlap
from lcgan_core.metrics.same_types import over_same_types
from lcgan_core.metrics.verdicts import LEAST_DRAWS
from lcgan_core.protocol.arms import PAPER

QUICK = (0.125, 0.25, 0.5, 1.0)
FIVE = ("IPH", "IVH", "SAH", "EDH", "SDH")


def grid(
    effects, arms=PAPER, fractions=QUICK, names=FIVE, spread=0.01, patients=9, draws=None,
    segmenters=("fcn8s",),
):  # fmt: skip
    """Every cell of an arm at .5 plus the effects of its arm, its fraction and arm, and its
    segmenter, with resamples of that spread; draws (fraction -> how many, else 6) are alike."""
    rng = np.random.default_rng(0)
    cell_names = cells(Overlap(*(np.ones((1, len(names)), int),) * 3), names).names
    made = {}
    for segmenter in segmenters:
        for fraction in fractions:
            for arm in arms:
                keys = (arm, (fraction, arm), (segmenter, arm))
                value = np.full(len(cell_names), 0.5 + sum(effects.get(key, 0) for key in keys))
                resamples = value + spread * rng.standard_normal((400, len(cell_names)))
                count = (draws or {}).get(fraction, LEAST_DRAWS)
                known = np.ones((count, patients, len(cell_names)), bool)
                made[segmenter, fraction, arm] = Estimate(
                    cell_names,
                    np.tile(value, (count, 1)),
                    np.tile(resamples, (count, 1, 1)),
                    np.ones((400, count)),
                    known.sum(1),
                    known,
                )
    for place in dict.fromkeys(key[:2] for key in made):
        alike = {key[2]: part for key, part in made.items() if key[:2] == place}
        made |= {(*place, arm): part for arm, part in over_same_types(alike).items()}
    return made
