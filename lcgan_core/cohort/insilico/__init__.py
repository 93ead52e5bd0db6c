"""The in-silico cohort: heads, blood and a scanner drawn from a seed, written as DICOM and NIfTI."""

from lcgan_core.cohort.insilico.writer import patient_name, write_patient

__all__ = ["patient_name", "write_patient"]
