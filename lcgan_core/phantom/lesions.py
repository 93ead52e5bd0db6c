"""Who bleeds, where and how much: types that occur together, volumes, sites, ages of blood.

The numbers were worked out from the 192 scans of BHSD (book/data_sets.md).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.phantom.blood import Lesion
from lcgan_core.phantom.brain import Brain
from lcgan_core.phantom.fields import smooth
from lcgan_core.phantom.tissues import Array
from lcgan_core.phantom.ventricles import ventricles

TYPE_COUNTS = (50, 62, 63, 16, 1)
"""BHSD scans with one to five types."""
PREVALENCE = (126, 104, 109, 40, 70)
"""BHSD scans with each type, of 192; EDH (23 there) is raised so that small cohorts show it."""

VOLUME = {
    "IPH": (9.3, 1.8, 0.35, 85),
    "IVH": (2.3, 1.75, 0.14, 45),
    "SAH": (2.2, 1.75, 0.2, 60),
    "EDH": (5.1, 1.3, 1.2, 40),
    "SDH": (7.0, 1.6, 0.7, 90),
}
"""mL of a type in a scan: median, SD of the logarithm, and limits (BHSD's 5 and 95 per cent)."""

BLOOD_HU = {"IPH": (55, 6), "IVH": (46, 7), "SAH": (51, 6), "EDH": (60, 6), "SDH": (60, 8)}
"""HU of undiluted blood, mean and SD over lesions; blur and partial volume lower measured HU."""
RIM_MM, RIM_HU = (0.8, 5.0), (17.5, 3.0)
"""Width of the oedema around IPH and its undiluted HU, mean and SD, so that what is seen has the
width and the HU of 112 real ones (data/real_oedema.csv)."""


@cache
def mixtures() -> tuple[Array, Array]:
    """(31, 5) which types occur together, and the proportion (31,) of patients with each mixture.

    The proportions have the margins above (iterative proportional fitting) and are otherwise
    independent, except that blood in the brain breaks into the ventricles.
    """
    sets = np.array([s for s in product((1, 0), repeat=5) if any(s)])[:, [1, 2, 3, 0, 4]]
    share = np.where(sets[:, 0] & sets[:, 1], 2.0, 1.0)
    counts = np.array(TYPE_COUNTS) / sum(TYPE_COUNTS)
    for _ in range(400):
        for k, wanted in enumerate(np.array(PREVALENCE) / sum(TYPE_COUNTS)):
            has = sets[:, k] == 1
            share = share * np.where(has, wanted / share[has].sum(), 1.0)
            share = share / share.sum()
        for n, wanted in enumerate(counts, start=1):
            share[sets.sum(axis=1) == n] *= wanted / share[sets.sum(axis=1) == n].sum()
    return sets, share


def types(turn: float) -> list[str]:
    """The types of the patient whose place in the cohort's mixtures is `turn`, 0..1.

    >>> types(0.5) == types(0.5) and 1 <= len(types(0.5)) <= 5
    True
    """
    sets, share = mixtures()
    chosen = sets[np.searchsorted(np.cumsum(share)[:-1], turn)]
    return [HEMORRHAGES[k] for k in np.flatnonzero(chosen)]


def draw(rng: np.random.Generator, name: str, brain: Brain) -> list[Lesion]:
    """One patient's haemorrhages of a type, with volumes as in BHSD."""
    median, spread, low, high = VOLUME[name]
    millilitres = float(np.clip(median * np.exp(rng.normal(0, spread)), low, high))
    return of_volume(rng, name, brain, millilitres)


def of_volume(
    rng: np.random.Generator, name: str, brain: Brain, millilitres: float
) -> list[Lesion]:
    """Haemorrhages of a type with about this volume, in the order in which they are painted."""
    volume = 1000 * millilitres
    side = float(rng.choice((-1, 1)))
    hu = float(rng.normal(*BLOOD_HU[name]))
    if name == "IVH":
        return [_intraventricular(rng, volume, hu, brain)]
    if name == "IPH":
        parts = _parts(rng, 1 + min(rng.poisson(1.0), 4))
        return [_intraparenchymal(rng, side, hu, volume * part, k) for k, part in enumerate(parts)]
    if name == "SAH":
        parts = _parts(rng, 1 + min(rng.poisson(2.4), 6))
        return [_subarachnoid(rng, side, hu, volume * part) for part in parts]
    if name == "EDH":
        return [_epidural(rng, side, hu, volume, brain)]
    parts = _parts(rng, 1 + min(rng.poisson(1.3), 4))
    return [it for part in parts for it in _subdural(rng, side, hu, volume * part, brain)]


def _parts(rng: np.random.Generator, n: int) -> list[float]:
    """Proportions of n spots, the largest first; they are rarely equal."""
    return sorted(rng.dirichlet(np.full(n, 0.8)).tolist(), reverse=True)


def _intraventricular(rng: np.random.Generator, volume: float, hu: float, brain: Brain) -> Lesion:
    # the level behind which the wanted volume lies, on one side or both, found on a coarse grid
    step = 4.0
    x, y, z = np.meshgrid(
        *(np.arange(*span, step) for span in ((-44, 45), (-76, 46), (-12, 66))), indexing="ij"
    )
    inside = ventricles(x, y, z, brain.size, brain.uneven) > 0
    side = float(rng.choice((-1, 0, 0, 1)))
    order = np.sort(y[inside & (x * side >= 0)])
    n = int(min(volume / step**3, 0.97 * len(order)))
    level = float(order[n]) + rng.uniform(-2, 2)
    return Lesion("IVH", (60 * side, level, 40.0), (1, 1, 1), hu, smooth(rng, 10.0))


def _intraparenchymal(
    rng: np.random.Generator, side: float, hu: float, volume: float, k: int
) -> Lesion:
    radius = float((volume / 5.2) ** (1 / 3))
    if k:  # further spots may lie anywhere
        side = float(rng.choice((-1, 1)))
    where = rng.choice(5, p=(0.36, 0.12, 0.34, 0.06, 0.12) if k == 0 else (0, 0, 0.6, 0, 0.4))
    if where in (1, 3) and radius > 14:
        where = 0 if radius < 20 else 2
    if where == 0:  # basal ganglia
        centre = np.array([27 * side, 4, 32]) + rng.normal(0, 3.5, 3)
    elif where == 1:  # thalamus
        centre = np.array([13 * side, -12, 35]) + rng.normal(0, 2.5, 3)
    elif where == 2:  # a lobe
        turn, r = rng.uniform(0.1, 0.9) * np.pi, rng.uniform(0.5, 0.78)
        height = rng.uniform(30, 82)
        r *= np.sqrt(1 - ((height - 40) / 75) ** 2)
        centre = np.array([side * 66 * r * np.sin(turn), 84 * r * np.cos(turn), height])
    elif where == 3:  # cerebellum
        centre = np.array([22 * side, -48, rng.uniform(-8, 12)])
    else:  # a contusion over the orbital roof or in the temporal pole
        centre = np.array([(20, 62, 26), (46, 14, 6)][rng.integers(2)]) * (side, 1, 1)
        centre = centre + rng.normal(0, 5, 3)
    radii = radius * np.exp(rng.normal(0, 0.2, 3))
    return Lesion(
        "IPH", _three(centre), _three(radii), hu,
        smooth(rng, float(np.clip(0.45 * radius, 3.0, 9.0))),
        rim=float(min(rng.uniform(*RIM_MM), 0.6 * radius + 0.5)),
        rim_hu=float(rng.normal(*RIM_HU)),
        mixed=float(rng.choice((0, 0, 0, 14))),
        swirl=float(rng.choice((0, 0, 10, 18))) if radius > 9 else 0.0,
    )  # fmt: skip


def _subarachnoid(rng: np.random.Generator, side: float, hu: float, volume: float) -> Lesion:
    # a quarter of a region is subarachnoid space
    radius = float((volume * 4 / 4.2) ** (1 / 3))
    if rng.random() < 0.45:  # around the circle of Willis, into the Sylvian fissures
        centre = np.array([rng.normal(0, 14), rng.normal(8, 6), rng.normal(18, 5)])
        radii = radius * np.array([1.4, 1.2, 0.7]) * 0.85
        return Lesion("SAH", _three(centre), _three(radii), hu, smooth(rng, 12.0))
    else:  # over one convexity
        side = side if rng.random() < 0.7 else -side
        turn, height = rng.uniform(0.12, 0.88) * np.pi, rng.uniform(22, 92)
        wide = np.sqrt(1 - (np.abs(height - 42) / 72) ** 2)
        centre = np.array([side * 60 * np.sin(turn) * wide, 76 * np.cos(turn) * wide, height])
        radii = 1.15 * radius * np.exp(rng.normal(0, 0.2, 3))
    # some sulci of a region hold blood, and others none
    return Lesion("SAH", _three(centre), _three(radii), hu, smooth(rng, 6.5))


def _epidural(
    rng: np.random.Generator, side: float, hu: float, volume: float, brain: Brain
) -> Lesion:
    bulge, oval = rng.uniform(0.34, 0.55), rng.uniform(0.45, 0.75)
    wide = float((volume * 2.0 / (1.57 * bulge * oval)) ** (1 / 3))
    around = side * float(
        rng.choice((rng.uniform(0.15, 0.35), rng.uniform(0.4, 0.9)), p=(0.3, 0.7))
    )
    centre = (around * np.pi, float(rng.uniform(-0.45, 0.6)), 0.0)
    return Lesion(
        "EDH", centre, (wide, wide * oval, 1.0), hu, smooth(rng, 9.0), bulge * wide,
        swirl=float(rng.choice((0, 0, 0, 16))), give=_give(brain),
    )  # fmt: skip


def _give(brain: Brain) -> float:
    """How far a brain is pushed aside by blood on the skull: a shrunken one makes room."""
    return 1.2 - 0.7 * brain.atrophy


def _subdural(
    rng: np.random.Generator, side: float, hu: float, volume: float, brain: Brain
) -> list[Lesion]:
    old = rng.random() < 0.15
    mixed = float(rng.choice((0.0, 8.0, 22.0), p=(0.6, 0.25, 0.15)))
    if old:
        hu, mixed = float(rng.normal(36, 6)), float(rng.choice((0.0, 20.0)))
    found = []
    on = str(rng.choice(("skull", "both", "falx", "tentorium"), p=(0.58, 0.2, 0.12, 0.10)))
    if on in ("skull", "both"):
        part = volume if on == "skull" else 0.75 * volume
        part *= 1.7  # what bone, falx and thin edges hide
        thick = 3.0 * (part / 1000) ** (1 / 3) * float(np.exp(rng.normal(0.1, 0.2)))
        area, long = part / (1.9 * thick), rng.uniform(1.5, 3.0)
        radii = (float(np.sqrt(area * long)), float(np.sqrt(area / long)), 1.0)
        centre = (
            float(side * rng.uniform(0.25, 0.75) * np.pi),
            float(rng.uniform(-0.2, 0.75)),
            0.0,
        )
        patch = Lesion("SDH", centre, radii, hu, smooth(rng, 12.0), thick, mixed=mixed)
        found.append(replace(patch, give=_give(brain)))
    if on != "skull":
        part = min(1.7 * volume * (0.25 if on == "both" else 1), 20000.0)
        sheet = str(rng.choice(("falx", "tentorium"))) if on == "both" else on
        thick = float(np.clip(0.17 * part ** (1 / 3), 1.4, 5.0))
        wide = float(np.sqrt(part / (2.4 * thick)))
        place = (9.0 * side, -38.0, 78.0) if sheet == "falx" else (28.0 * side, -52.0, 22.0)
        y = place[1] + rng.normal(0, 9) + (rng.choice((0, 70)) if sheet == "falx" else 0)
        found.append(
            Lesion(
                "SDH",
                (place[0], float(y), place[2]),
                (9.0, wide * 1.3, wide * 0.8),
                hu,
                smooth(rng, 8.0),
                thick,
                on=sheet,
            )  # fmt: skip
        )
    return found


def _three(values: Array) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
