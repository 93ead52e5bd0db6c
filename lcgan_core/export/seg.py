"""Label maps as DICOM SEG of the images that they belong to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from lcgan_core.lesions import HEMORRHAGES, Classes

MAKER, VERSION = "LcGAN", "1"


class Drawn(NamedTuple):
    """Where a mask comes from: a sentence, whether a program drew it, and its new UID."""

    how: str
    by_program: bool
    uid: UID


def dicom_seg(
    series: Sequence[Dataset], labels: np.ndarray, classes: Classes, drawn: Drawn
) -> Dataset:
    """A BINARY SEG of labels (S, H, W) uint8 0..K on `series`; segment numbers are the labels."""
    kinds = hd.seg.SegmentAlgorithmTypeValues
    by = (
        hd.AlgorithmIdentificationSequence(
            name=MAKER, version=VERSION, family=codes.DCM.ArtificialIntelligence
        )
        if drawn.by_program
        else None
    )
    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=_code(name, title),
            algorithm_type=kinds.AUTOMATIC if drawn.by_program else kinds.MANUAL,
            algorithm_identification=by,
            tracking_id=title,
            tracking_uid=UID(f"{drawn.uid[:60]}.{number}"),
        )
        for number, (name, title) in enumerate(classes.title_of.items(), start=1)
    ]
    # highdicom warns that a mask without lesions keeps its frames, which is as it should be
    logging.getLogger("highdicom").setLevel(logging.ERROR)
    return hd.seg.Segmentation(
        source_images=series,
        pixel_array=labels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=UID(f"{drawn.uid[:60]}.88"),
        series_number=1000 + int(series[0].get("SeriesNumber") or 0),
        sop_instance_uid=drawn.uid,
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=VERSION,
        device_serial_number="0",
        content_label="LESIONS",
        content_description=drawn.how[:64],
        series_description=drawn.how[:64],
        omit_empty_frames=bool(labels.any()),
    )


def _code(name: str, title: str) -> hd.sr.CodedConcept:
    """Haemorrhage where the class is one of the five; else the class in a scheme of our own."""
    if name in HEMORRHAGES:
        return hd.sr.CodedConcept("50960005", "SCT", "Hemorrhage")
    return hd.sr.CodedConcept(name[:16], "99LCGAN", title[:64])
