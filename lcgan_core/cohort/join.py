"""Join slice stores into one, so that a person who is in two of them is one patient."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lcgan_core.cohort.grey_levels import known_to_all
from lcgan_core.cohort.hounsfield import AIR
from lcgan_core.cohort.series import NUMBERS
from lcgan_core.cohort.store import SliceStore, StoredSeries, StoreWriter
from lcgan_core.errors import UserError
from lcgan_core.run.disk import disk_errors
from lcgan_core.run.listing import listing

FEWEST_VALUES = 16
"""A slice of fewer different HU is air or blank, and such slices are equal by themselves."""


class Joined(NamedTuple):
    """shared: one row per pair of patients found to be one (patient, other, store, other_store,
    why, slices), as in join.csv; dropped: slices that an earlier store has too; other_labels: how
    many of these are labelled differently from the slice that is kept."""

    store: SliceStore
    shared: pd.DataFrame
    dropped: int
    other_labels: int


def join(stores: Sequence[Path], out: Path) -> Joined:
    """Write `out` with the slices of all stores, in the order of the stores, each slice once.

    Two patients are one where their hashes, the hashes of two of their series or the HU of two of
    their slices are equal; of a series in two stores, the first store's is kept. The folder
    appears when everything is written; the same call again leaves it as it is. Raises UserError for
    stores that do not fit together, and where `out` is something else.
    """
    out = Path(out)
    opened = [SliceStore.open(folder) for folder in stores]
    stamp = hashlib.sha256(json.dumps([listing(one.folder) for one in opened]).encode()).hexdigest()
    made = _stamp_of(out) == stamp
    _check(opened, out, made)
    table = pd.concat([store.slices for store in opened], ignore_index=True)
    where = [(s, k) for s, store in enumerate(opened) for k in range(len(store.slices))]
    content = [_content(opened[s].hu[k]) for s, k in where]
    found = _shared(table, [s for s, _ in where], content)

    first: dict[str, int] = {}
    home: dict[str, int] = {}
    kept, other_labels = [], 0
    for row, ((s, k), text) in enumerate(zip(where, content, strict=True)):
        same = first.setdefault(text, row) if text else row
        if same != row:
            t, j = where[same]
            other_labels += not np.array_equal(opened[s].labels[k], opened[t].labels[j])
        if home.setdefault(table.series[row], s) == s and same == row:
            kept.append(row)

    one = _one_patient(list(table.patient), found)
    table["patient"] = table.patient.map(one)
    table = table.iloc[kept].drop(columns="slice")
    shared = pd.DataFrame(
        [
            (a, b, s + 1, t + 1, ", ".join(why), why["slices"])
            for (a, b, s, t), why in found.items()
        ],
        columns=["patient", "other", "store", "other_store", "why", "slices"],
    )
    if made:
        store = SliceStore.open(out)
    else:
        store = _write(out, opened, [where[row] for row in kept], table, shared, stamp)
    return Joined(store, shared, len(where) - len(kept), other_labels)


def _stamp_of(out: Path) -> str | None:
    """What a joined store says that it was made from; None of anything else."""
    try:
        return json.loads((out / "manifest.json").read_text()).get("stamp")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _check(opened: list[SliceStore], out: Path, made: bool) -> None:
    if len(opened) < 2:
        raise UserError("Joining needs two slice stores or more.")
    if os.path.lexists(out) and not made:
        raise UserError(f"{out} exists; remove it or choose another name for the joined store.")
    sizes = [store.hu.shape[1] for store in opened]
    if len(set(sizes)) > 1:
        told = ", ".join(f"{s.folder}: {n}" for s, n in zip(opened, sizes, strict=True))
        raise UserError(f"The stores have different image sizes ({told}); ingest them at one size.")
    for store in opened[1:]:
        if store.classes != opened[0].classes:
            raise UserError(
                f"{opened[0].folder} has the classes {opened[0].classes}, but {store.folder} has "
                f"{store.classes}; ingest them again with the same classes in the same order."
            )
    salts = {store.manifest.get("salt_check"): store.folder for store in opened}
    salts.pop(None, None)
    if len(salts) > 1:
        raise UserError(
            f"{' and '.join(map(str, salts.values()))} were made with different salts, so the same "
            "patient has different ids in them; ingest them again with one salt."
        )


def _content(hu: np.ndarray) -> str:
    """A hash of a slice's HU; empty for air, which is nobody's in particular."""
    if np.count_nonzero(np.bincount(hu.ravel() - AIR)) < FEWEST_VALUES:
        return ""
    return hashlib.blake2b(hu.tobytes(), digest_size=16).hexdigest()


def _shared(
    table: pd.DataFrame, owner: list[int], content: list[str]
) -> dict[tuple[str, str, int, int], Counter[str]]:
    """(patient, other, store, other store) -> what they share and in how many slices."""
    found: dict[tuple[str, str, int, int], Counter[str]] = {}
    for why, keys in (("patient", table.patient), ("series", table.series), ("slices", content)):
        seen: dict[str, tuple[str, int]] = {}
        for key, patient, store in zip(keys, table.patient, owner, strict=True):
            a, s = seen.setdefault(key, (patient, store)) if key else (patient, store)
            if (a, s) != (patient, store):
                found.setdefault((a, patient, s, store), Counter())[why] += 1
    return found


def _one_patient(patients: list[str], pairs: Iterable[tuple[str, str, int, int]]) -> dict[str, str]:
    """Patient -> the first id of all those that the pairs connect.

    >>> _one_patient(["a", "b", "c", "d"], [("b", "d", 0, 1), ("a", "b", 0, 1)])
    {'a': 'a', 'b': 'a', 'c': 'c', 'd': 'a'}
    """
    number = {name: k for k, name in enumerate(dict.fromkeys(patients))}
    ends = np.array([(number[a], number[b]) for a, b, *_ in pairs], int).reshape(-1, 2).T
    graph = coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(len(number), len(number)))
    _, groups = connected_components(graph, directed=False)
    first: dict[int, str] = {}
    return {name: first.setdefault(group, name) for name, group in zip(number, groups, strict=True)}


def _write(
    out: Path,
    opened: list[SliceStore],
    kept: list[tuple[int, int]],
    table: pd.DataFrame,
    shared: pd.DataFrame,
    stamp: str,
) -> SliceStore:
    manifests = [store.manifest for store in opened]
    source = " + ".join(each["source"] for each in manifests)
    manifest: dict[str, Any] = {"source": source, "joined": manifests, "stamp": stamp}
    manifest |= known_to_all(each.get("hu_exact") for each in manifests)
    manifest |= {"publish": NUMBERS} if any(each.get("publish") for each in manifests) else {}
    cited = dict.fromkeys(each["citation"] for each in manifests if "citation" in each)
    manifest |= {"citation": "; ".join(cited)} if cited else {}
    salts = [each.get("salt_check") for each in manifests]
    if all(salts):
        manifest["salt_check"] = salts[0]
    # a stamp of its own: a join that was stopped starts anew
    size, classes = opened[0].image_size, opened[0].classes
    with disk_errors(out), StoreWriter(out, size, token_hex(), classes) as writer:
        try:
            for (s, k), row in zip(kept, table.to_dict("records"), strict=True):
                hu, labels = (getattr(opened[s], name)[k : k + 1] for name in ("hu", "labels"))
                writer.append({}, StoredSeries([row], hu, labels))
            return writer.finish(
                manifest, lambda made: shared.to_csv(made.folder / "join.csv", index=False)
            )
        finally:
            shutil.rmtree(writer.work, ignore_errors=True)
