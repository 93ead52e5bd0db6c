"""Cases in, a slice store with its report and contact sheet out: streaming and resumable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from lcgan_core.cohort import contact_sheet, plausible, report
from lcgan_core.cohort.formats import find
from lcgan_core.cohort.grey_levels import known_to_all
from lcgan_core.cohort.resampling import to_slices
from lcgan_core.cohort.salt import check_of, hashed, users_salt
from lcgan_core.cohort.series import Case, Found, Refused
from lcgan_core.cohort.store import VERSION, SliceStore, Spilled, StoreWriter
from lcgan_core.cohort.workers import Parallel, cores, workers
from lcgan_core.errors import UserError, memory_is_full
from lcgan_core.lesions import Classes
from lcgan_core.protocol.config import OWN, ImageSize
from lcgan_core.run.disk import disk_errors
from lcgan_core.run.listing import listing, walk
from lcgan_core.run.progress import progress

SIZES = get_args(ImageSize)
SMALL = 200
"""Files that one process reads before others would have started."""
REPORT, CONTACT_SHEET = "report.csv", "contact_sheet.png"


@dataclass(frozen=True)
class Ingested:
    """A finished store and its report: one row per series, refusal, and reason for leaving out."""

    store: SliceStore
    report: pd.DataFrame


def ingest_folder(
    source: Path,
    form: str,
    store: Path,
    image_size: int,
    given: Mapping[str, Any],
    salt: bytes | None = None,
    name: str = OWN,
    tell: Callable[[str], None] = lambda sentence: None,
    as_given: bool = False,
) -> Ingested:
    """Make a slice store of a folder of head CTs, unless the same store is already finished.

    form: one of FORMATS; given: the options of its reader; salt: the user's own unless given;
    name: what the store says of its source; as_given: the user's word that the masks lie right.
    Raises UserError, also where `store` is something else.
    """
    if image_size not in SIZES:
        raise UserError(f"--size {image_size} is not one of {', '.join(map(str, SIZES))}.")
    salt = users_salt() if salt is None else salt
    options = sorted((name, _content(value)) for name, value in given.items())
    settings = [form, image_size, check_of(salt), options, as_given, VERSION]
    stamp = hashlib.sha256(json.dumps([listing(source), settings]).encode()).hexdigest()
    if os.path.lexists(store):
        return _made_before(store, stamp)
    # processes take seconds to start, in which a small folder is read
    files = (path for _, paths in walk(source) for path in paths)
    large = next(islice(files, SMALL, None), None)
    with workers(cores() if large else 1) as parallel:
        found = find(form, source, given, parallel)
        if not found.cases:
            reasons = [each.reason for each in found.refused]
            raise UserError(_nothing(source, reasons or [each.reason for each in found.left_out]))
        return ingest(found, store, image_size, salt, name, stamp, parallel, tell, as_given)


def _content(value: Any) -> str | list[str]:
    """An option's value; of a table, or of a folder of tables, what is in them."""
    if not isinstance(value, Path):
        return str(value)
    tables = sorted(value.glob("*.csv")) if os.path.isdir(value) else [value]
    readable = (path for path in tables if os.path.isfile(path) and os.access(path, os.R_OK))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in readable]


def _made_before(store: Path, stamp: str) -> Ingested:
    if (store / "manifest.json").is_file():
        made = SliceStore.open(store)
        if made.manifest.get("stamp") == stamp:
            texts = {"patient": str, "reason": str, "doubts": str}  # there may be no reason at all
            table = pd.read_csv(store / REPORT, dtype=texts)
            # a report from before doubts were listed has no column for them
            return Ingested(made, table.reindex(columns=report.columns(made.classes)))
    raise UserError(f"{store} exists and holds something else; give another folder.")


def ingest(
    found: Found,
    store: Path,
    image_size: int,
    salt: bytes,
    source: str,
    stamp: str,
    parallel: Parallel,
    tell: Callable[[str], None] = lambda sentence: None,
    as_given: bool = False,
) -> Ingested:
    """Load every case, resample it to image_size x image_size and write the store.

    Memory does not grow with the cohort. The store appears when it is complete; after an
    interruption the same call with the same `stamp` resumes after the last complete series.
    Patient ids become hashes salted with `salt`, which is not stored. `tell` gets a sentence, with
    the file's name, about everything refused; the store's own report names no file. Raises
    UserError where nothing could be taken, where the disk is full and on Ctrl-C.
    """
    classes = found.classes
    with disk_errors(store), StoreWriter(store, image_size, stamp, classes) as writer:
        try:
            for refusal in found.refused:
                tell(str(refusal))
            waiting = found.cases[writer.entries :]
            load = partial(
                _load,
                size=image_size,
                classes=classes,
                salt=salt,
                room=writer.work,
                as_given=as_given,
            )
            loaded = parallel(load, waiting)
            for case, (record, spilled, sentence) in zip(
                waiting, progress(loaded, "reading head CTs", "series", len(waiting)), strict=True
            ):
                if sentence:
                    tell(sentence)
                record["item"] = hashed(salt, str(case.path))
                writer.append(record, spilled.take() if spilled else None)
            table = report.table(writer.records(), found, salt)
            if not (table.status == report.TAKEN).any():
                shutil.rmtree(writer.work)  # another folder or another try begins anew
                raise UserError(_nothing(source, table.reason))
            manifest: dict[str, Any] = {
                "source": source,
                "salt_check": check_of(salt),
                "stamp": stamp,
            }
            manifest |= known_to_all(record.get("hu_exact") for record in writer.records())
            manifest |= found.terms

            def show(made: SliceStore) -> None:
                table.to_csv(made.folder / REPORT, index=False)
                contact_sheet.write(made, made.folder / CONTACT_SHEET)

            return Ingested(writer.finish(manifest, also=show), table)
        except KeyboardInterrupt:
            raise UserError(
                f"Interrupted: {writer.entries} of {len(found.cases)} series are in; "
                "run the same command again to go on."
            ) from None


def _load(
    case: Case, size: int, classes: Classes, salt: bytes, room: Path, as_given: bool
) -> tuple[dict, Spilled | None, str]:
    """In a worker: a case's record for the report, its slices, or the sentence of its refusal."""
    who = hashed(salt, case.patient), hashed(salt, case.series)
    try:
        series = replace(case.load(), patient=who[0], uid=who[1])
        under = plausible.check(series, classes, case.path, as_given)
        stored = to_slices(series, size, classes)
    except Refused as error:
        refusal = error
    except Exception as error:  # one strange series must not end a night's ingest
        if memory_is_full(error):  # which says nothing about the series
            raise UserError(
                f"There is not enough memory to read {case.path}; close other programs, or remove "
                "it if it is no head CT, and run the same command again to go on."
            ) from None
        refusal = Refused(
            case.path, "failed in an unforeseen way; look at it in a viewer.", repr(error)
        )
    else:
        spilled = Spilled.put(stored, room, hashed(salt, str(case.path)))
        return report.taken(series, stored, classes, under), spilled, ""
    return report.refused(*who, refusal), None, str(refusal)


def _nothing(source: object, reasons: Iterable[str]) -> str:
    commonest = Counter(reasons).most_common(1)
    why = commonest[0][0] if commonest else "holds no head CT."
    return f"Nothing in {source} could be taken; most often a file or series {why}"
