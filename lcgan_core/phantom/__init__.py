"""The in-silico cohort: heads, blood and a scanner simulated from a seed, as DICOM and NIfTI."""

from lcgan_core.phantom.patient import Scan, scan_patient
from lcgan_core.phantom.population import InSilicoCase, write_cohort
from lcgan_core.phantom.tissues import Tissue
from lcgan_core.phantom.writer import patient_name, write_patient

__all__ = [
    "InSilicoCase",
    "Scan",
    "Tissue",
    "patient_name",
    "scan_patient",
    "write_cohort",
    "write_patient",
]
