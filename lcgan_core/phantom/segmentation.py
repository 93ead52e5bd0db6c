"""Labels as a DICOM SEG of the series that they were drawn on."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from lcgan_core.lesions import HEMORRHAGES, LONG_NAMES


def dicom_seg(series: Sequence[Dataset], labels: np.ndarray, uid: UID) -> Dataset:
    """A BINARY SEG of labels (S, H, W) uint8 0..5 on `series`; segment numbers are the labels."""
    blood = hd.sr.CodedConcept("50960005", "SCT", "Hemorrhage")
    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=blood,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=hd.AlgorithmIdentificationSequence(
                name="LcGAN in silico", version="2", family=codes.DCM.ArtificialIntelligence
            ),
            tracking_id=LONG_NAMES[name],
            tracking_uid=UID(f"{uid}.{number}"[:64]),
        )
        for number, name in enumerate(HEMORRHAGES, start=1)
    ]
    seg = hd.seg.Segmentation(
        source_images=series,
        pixel_array=labels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=UID(f"{uid}.8"[:64]),
        series_number=2,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer="LcGAN in silico",
        manufacturer_model_name="LcGAN in silico",
        software_versions="2",
        device_serial_number="0",
        content_label="HEMORRHAGE",
    )
    # the same bytes at every writing
    for item in (*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = UID(f"{uid}.9"[:64])
    for item in seg.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = "20200101"
    for of in ("Content", "Series", "InstanceCreation"):
        setattr(seg, f"{of}Date", "20200101")
        setattr(seg, f"{of}Time", "000000")
    return seg
