"""The in-silico cohort: heads, blood and a scanner drawn from a seed, as DICOM and NIfTI."""

from lcgan_core.cohort.insilico.patient import Scan, scan_patient
from lcgan_core.cohort.insilico.tissues import Tissue
from lcgan_core.cohort.insilico.writer import patient_name, write_patient

__all__ = ["Scan", "Tissue", "patient_name", "scan_patient", "write_patient"]
