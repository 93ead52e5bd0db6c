"""Whether a header can be that of one slice of a head CT: its kind and its pixels."""

from __future__ import annotations

from pydicom import uid
from pydicom.pixels.decoders.base import get_decoder

from lcgan_core.cohort.dicom.values import Values, values_of

NEEDED = (
    "SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows",
    "Columns",
)  # fmt: skip
MODALITIES = (
    "MR", "PT", "NM", "US", "CR", "DX", "XA", "RF", "MG", "OT", "OPT", "IO", "PX", "ES", "XC",
)  # fmt: skip
REFORMATS = {
    "MIP", "MINIP", "MPR", "CSA MPR", "CPR", "REFORMATTED", "PROJECTION IMAGE", "VRT", "SSD",
    "VOLUME RENDERING", "3D", "CURVED", "MPVR",
}  # fmt: skip
ENHANCED = (uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage)
MULTIFRAME = "is a multi-frame (enhanced) CT; convert it to single-frame CT images."
MOST_PIXELS = 4096 * 4096


class NotASlice(Exception):
    """Why a file is no slice; args: refused, reason, detail."""


def check_kind(item: Values) -> None:
    """Only a primary, axial, single-frame, grey CT image passes."""
    sop, modality = item.get("SOPClassUID"), item.get("Modality")
    if sop and uid.SecondaryCaptureImageStorage in (sop, str(sop).rsplit(".", 1)[0]):
        raise NotASlice(False, "is a secondary capture, a picture of a screen.")
    if sop in ENHANCED:
        raise NotASlice(True, MULTIFRAME)
    if modality not in (None, "", "CT"):
        if modality in MODALITIES:
            raise NotASlice(True, f"is {modality}, not CT; keep only the head CT.")
        raise NotASlice(False, "is no image, but a report, a plan or the like.", str(modality))
    if sop != uid.CTImageStorage and modality != "CT":
        raise NotASlice(True, "does not say that it is a CT; export the original series again.")
    if sop not in (None, "", uid.CTImageStorage):
        raise NotASlice(False, "is no image, but a report, a plan or the like.", str(sop))
    if (item.get("NumberOfFrames") or 1) > 1:
        raise NotASlice(True, MULTIFRAME)
    kinds = {str(kind).strip().upper() for kind in values_of(item, "ImageType")}
    if str(item.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        raise NotASlice(
            True, "says that text is burned into its pixels, which may name the patient; remove it."
        )
    if kinds & {"LOCALIZER", "SCOUT", "TOPOGRAM"}:
        raise NotASlice(False, "is a localizer.")
    if kinds & REFORMATS:
        raise NotASlice(False, "is a projection or a reformat, not a primary axial image.")


def check_pixels(item: Values, syntax: uid.UID | None, room: int) -> None:
    """The pixels are grey HU, complete, of a plausible size, and can be decoded."""
    if str(item.get("RescaleType") or "HU").strip().upper() not in ("HU", "US"):
        raise NotASlice(True, "is not in Hounsfield units; give the plain CT series.")
    missing = [name for name in NEEDED if item.get(name) in (None, "")]
    if missing:
        raise NotASlice(True, f"lacks {', '.join(missing)}; export the original series again.")
    photometric = str(item.get("PhotometricInterpretation") or "MONOCHROME2")
    if (item.get("SamplesPerPixel") or 1) != 1 or not photometric.startswith("MONOCHROME"):
        raise NotASlice(True, "is a colour image (RGB or the like), not CT; remove it.")
    if syntax is None or not _decodable(syntax):
        known = syntax is not None and syntax.name != str(syntax)
        name = syntax.name if syntax is not None and known else "an unknown transfer syntax"
        raise NotASlice(
            True,
            f"is stored as {name}, which cannot be decoded here; export it uncompressed.",
            "" if known else str(syntax),
        )
    rows, columns = int(item.get("Rows")), int(item.get("Columns"))
    pixels = rows * columns
    if not 0 < pixels <= MOST_PIXELS:
        raise NotASlice(True, f"claims {rows} x {columns} pixels, no CT's; export it again.")
    if not syntax.is_compressed and pixels * int(item.get("BitsAllocated") or 16) // 8 > room:
        raise NotASlice(True, "is cut off: some of its pixels are missing; copy it again.")


def _decodable(syntax: uid.UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False
