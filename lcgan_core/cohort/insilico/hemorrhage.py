"""The five haemorrhages, each where it belongs: blood added to a head, and the label it gets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from lcgan_core.cohort.insilico.anatomy import Head, ball, noise
from lcgan_core.labels import LABELS

PREVALENCE = {"IPH": 0.66, "IVH": 0.54, "SAH": 0.57, "EDH": 0.12, "SDH": 0.36}
"""Share of patients with each type in BHSD; EDH is drawn more often, see `types_of`."""

TYPE_COUNTS = (0.26, 0.33, 0.33, 0.08)
"""Share of patients with one to four types, after BHSD."""

BLOOD_HU = {"IPH": (57, 5), "IVH": (50, 6), "SAH": (50, 5), "EDH": (58, 5), "SDH": (53, 7)}
"""Mean and SD over lesions of the undiluted blood; blur and partial volume lower it."""

OEDEMA_HU = 23
DURA_MM = 1.0  # between the inner table and any blood

Maker = Callable[[np.random.Generator, Head], np.ndarray]


def types_of(rng: np.random.Generator) -> list[str]:
    """The types that one patient has, in the order in which they are drawn.

    EDH counts at least .3: at BHSD's .12 a cohort of some dozen patients would hardly have any.
    """
    names = list(LABELS)
    weight = np.array([max(PREVALENCE[name], 0.3) for name in names])
    count = 1 + rng.choice(len(TYPE_COUNTS), p=TYPE_COUNTS)
    chosen = rng.choice(names, size=count, replace=False, p=weight / weight.sum())
    return sorted(chosen, key=names.index)


def bleed(rng: np.random.Generator, head: Head) -> tuple[np.ndarray, np.ndarray]:
    """HU (S, H, W) float32 of the head with blood, and labels (S, H, W) uint8."""
    hu, labels = head.hu.copy(), np.zeros(head.hu.shape, np.uint8)
    for name in types_of(rng):
        blood = _MAKERS[name](rng, head) & (head.depth > DURA_MM) & (labels == 0)
        clot = rng.normal(*BLOOD_HU[name]) + 3 * noise(rng, head, hu.shape, 8.0)
        if name == "IPH":
            rim = _grown(blood, head, rng.uniform(2, 7)) & head.parenchyma & (labels == 0)
            hu[rim & ~blood] = OEDEMA_HU
        hu[blood] = clot[blood]
        labels[blood] = LABELS[name]
    return hu, labels


def _grown(mask: np.ndarray, head: Head, millimetres: float) -> np.ndarray:
    return ndimage.distance_transform_edt(~mask, sampling=head.spacing) < millimetres


def _intraparenchymal(rng: np.random.Generator, head: Head) -> np.ndarray:
    """An irregular clot, most often in the basal ganglia, else in a lobe."""
    side = rng.choice((-1, 1))
    if rng.random() < 0.6:
        centre = np.array([side * 25, 2, 4]) + rng.normal(0, 5, 3)
    else:
        centre = np.array([side * rng.uniform(25, 45), rng.uniform(-50, 45), rng.uniform(5, 45)])
    radius = rng.lognormal(np.log(11), 0.4)
    radii = tuple(radius * rng.uniform(0.75, 1.3, 3))
    away = ball(head.x - centre[0], head.y - centre[1], head.z - centre[2], radii)
    ragged = 0.22 * noise(rng, head, head.hu.shape, 16.0) + 0.1 * noise(
        rng, head, head.hu.shape, 7.0
    )
    return (away + ragged < 1) & (head.parenchyma | head.subarachnoid) & (head.depth > 3)


def _intraventricular(rng: np.random.Generator, head: Head) -> np.ndarray:
    """Blood that has settled at the back of the ventricles, in one or both, now and then a cast."""
    level = rng.uniform(-45, -10) if rng.random() < 0.75 else 60
    settled = head.ventricles & (head.y + 2 * noise(rng, head, head.hu.shape, 20.0) < level)
    if rng.random() < 0.4:
        settled &= head.x * rng.choice((-1, 1)) > -2
    return settled


def _subarachnoid(rng: np.random.Generator, head: Head) -> np.ndarray:
    """Blood in the sulci of a region, or in the basal cisterns and Sylvian fissures."""
    if rng.random() < 0.4:
        centre, radii = (rng.normal(0, 8), 10.0, -20.0), (45.0, 28.0, 14.0)
    else:
        side = rng.choice((-1, 1))
        centre = (side * rng.uniform(35, 60), rng.uniform(-40, 40), rng.uniform(0, 45))
        radii = tuple(rng.uniform(14, 26, 3))
    region = ball(*(a - c for a, c in zip((head.x, head.y, head.z), centre, strict=True)), radii)
    patchy = region + 0.25 * noise(rng, head, head.hu.shape, 14.0) < 1
    # clot widens the sulcus that it fills
    return patchy & (_grown(head.subarachnoid & patchy, head, 1.0)) & ~head.ventricles


def _epidural(rng: np.random.Generator, head: Head) -> np.ndarray:
    """A lens between table and dura: thick and short, ending at sutures."""
    away = _along_skull(rng, head, np.deg2rad(rng.uniform(14, 26)), rng.uniform(-0.2, 0.6))
    thickness = rng.uniform(8, 20)
    return head.depth < thickness * np.clip(1 - away**2, 0, None)


def _subdural(rng: np.random.Generator, head: Head) -> np.ndarray:
    """A crescent along one hemisphere: thin and long, crossing sutures, not the midline."""
    away = _along_skull(rng, head, np.deg2rad(rng.uniform(28, 55)), rng.uniform(0.0, 0.6))
    thickness = rng.uniform(3.5, 9) + 0.8 * noise(rng, head, head.hu.shape, 25.0)
    side = np.sign(head.x[away < 0.3].mean()) if (away < 0.3).any() else 1
    crescent = head.depth < thickness * np.clip(1 - away**4, 0, None)
    return crescent & (head.x * side > 2)


def _along_skull(
    rng: np.random.Generator, head: Head, reach: float, height: float
) -> np.ndarray:
    """Angle to a random place on the side of the skull, in units of `reach` (radians)."""
    turn = rng.choice((-1, 1)) * rng.uniform(0.25, 0.75) * np.pi  # never on the midline
    flat = np.sqrt(1 - height**2)
    place = (flat * np.sin(turn), flat * np.cos(turn), height)
    length = np.sqrt(head.x**2 + head.y**2 + head.z**2) + 1e-3
    cosine = (head.x * place[0] + head.y * place[1] + head.z * place[2]) / length
    return np.arccos(np.clip(cosine, -1, 1)) / reach


_MAKERS: dict[str, Maker] = {
    "IPH": _intraparenchymal,
    "IVH": _intraventricular,
    "SAH": _subarachnoid,
    "EDH": _epidural,
    "SDH": _subdural,
}
