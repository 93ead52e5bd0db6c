"""Head CT in, slice store out."""

from lcgan_core.cohort.dicom import read_cohort, read_patient
from lcgan_core.cohort.series import Series
from lcgan_core.cohort.split import split_patients, subset
from lcgan_core.cohort.store import SliceStore, build_store

__all__ = [
    "Series", "SliceStore", "build_store", "read_cohort", "read_patient", "split_patients", "subset",
]  # fmt: skip
