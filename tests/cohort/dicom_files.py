"""Made-up DICOM series on disk, as irregular as a test wants them."""

from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.uid import generate_uid

from .conftest import write_slice
from .volumes import noisy_head


@dataclass
class Scan:
    """Slices from the feet up: hu (S, H, W) as stored, place (S, 3) LPS mm of the first pixels."""

    folder: Path
    hu: np.ndarray
    place: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    spacing: tuple[float, float]
    paths: list[Path] = field(default_factory=list)

    @property
    def items(self) -> list[pydicom.Dataset]:
        return [pydicom.dcmread(path) for path in self.paths]

    def write_mask(self, labels: np.ndarray, name: str = "mask.nii.gz") -> Path:
        """(S, H, W) labels as NIfTI; RAS is LPS with the first two axes turned round."""
        affine = np.eye(4)
        steps = (self.place[-1] - self.place[0]) / (len(self.place) - 1)
        axes = [self.rows * self.spacing[1], self.columns * self.spacing[0], steps, self.place[0]]
        affine[:3] = np.diag([-1, -1, 1]) @ np.column_stack(axes)
        nib.save(nib.Nifti1Image(labels.T, affine), self.folder / name)
        return self.folder / name

    def edit(self, index: int, **changes: object) -> Path:
        """Change attributes of a slice; None removes one."""
        item = pydicom.dcmread(self.paths[index])
        for name, value in changes.items():
            if value is None:
                delattr(item, name)
            else:
                setattr(item, name, value)
        item.save_as(self.paths[index])
        return self.paths[index]


def make_scan(
    folder: Path,
    heights: list[float] | None = None,
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    tilt: float = 0.0,
    spacing: tuple[float, float] = (0.5, 0.75),
    hu: np.ndarray | None = None,
    **attributes: object,
) -> Scan:
    """Write a series; tilt leans the slices about the patient's left-right axis, in degrees.

    heights: of the table along the patient's long axis, mm.
    """
    heights = [5.0 * k for k in range(6)] if heights is None else heights
    if hu is None:
        hu = noisy_head((len(heights), 20, 24)).astype(int)
    lean = np.radians(tilt)
    turn = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    rows, columns = (turn @ np.array(part, float) for part in (orientation[:3], orientation[3:]))
    place = np.array([[-9.0, -6.0, 30.0 + height] for height in heights])
    series = generate_uid()
    scan = Scan(folder, hu, place, rows, columns, spacing)
    for k in range(len(heights)):
        values = dict(
            SeriesInstanceUID=series,
            InstanceNumber=k + 1,
            AcquisitionNumber=1,
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            ImageOrientationPatient=[round(float(n), 9) for n in (*rows, *columns)],
            ImagePositionPatient=[float(n) for n in place[k]],
            PixelSpacing=list(spacing),
            SliceThickness=5,
        )
        name = f"{folder.name}{(7 * k) % 97:02d}"  # neither sorted nor with a suffix
        scan.paths.append(write_slice(folder / name, hu[k], **(values | attributes)))
    return scan


def some_labels(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 6, shape).astype(np.uint8)
