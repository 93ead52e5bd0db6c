"""NIfTI pairs are read as the head that was scanned, or refused in a sentence that names nobody."""

import gzip
import itertools
import pickle
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.mask_values import OneClass
from lcgan_core.cohort.nifti import NiftiCase, find, to_hu
from lcgan_core.cohort.nifti_file import read_nifti
from lcgan_core.cohort.orientation import to_display
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError

from .volumes import AFFINE, display, head, lesion, write

ALL_48 = [
    "".join(sign[axis] for sign, axis in zip(signs, order, strict=True))
    for order in itertools.permutations(range(3))
    for signs in itertools.product(("LPI", "RAS"), repeat=3)
]
MAP = LabelMap.parse("1=EDH,2=IPH")


def pair(folder, image=None, mask=None, affine=AFFINE, mask_affine=None, suffix=".nii.gz"):
    """A case of one image and its mask, as `find` makes it."""
    image = head() if image is None else image
    mask = lesion() if mask is None else mask
    write(folder / f"p/s_ct{suffix}", image, affine)
    write(folder / f"p/s_seg{suffix}", mask, affine if mask_affine is None else mask_affine)
    found = find(
        folder, f"{{patient}}/{{scan}}_ct{suffix}", f"{{patient}}/{{scan}}_seg{suffix}", MAP
    )
    assert not found.refused
    return found.cases[0]


def refused(case, *parts):
    """The sentence names the file and these; what goes into the report names no file."""
    with pytest.raises(Refused) as told:
        case.load()
    text, reason = str(told.value), told.value.reason
    assert "\n" not in text and all(part in text for part in parts), text
    assert "_ct" not in reason and "_seg" not in reason and "/" not in reason, reason
    return text


def turned(voxels, affine, codes):
    image = nib.Nifti1Image(voxels, affine)
    turn = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    image = image.as_reoriented(turn)
    assert nib.aff2axcodes(image.affine) == tuple(codes)
    return np.asarray(image.dataobj), image.affine


@pytest.mark.parametrize("codes", ALL_48)
def test_every_voxel_order_gives_the_same_slices(tmp_path, codes):
    """BHSD stores LAS, HemSeg LPS; the affine decides, not a fixed turn."""
    image, affine = turned(head(), AFFINE, codes)
    series = pair(tmp_path, image, turned(lesion(), AFFINE, codes)[0], affine).load()
    assert np.array_equal(series.hu, display(image, affine))
    assert np.array_equal(series.hu, display(head()))
    assert np.array_equal(series.labels, display(lesion()) * 4)
    assert series.pixel_spacing == (0.5, 0.5)
    assert np.allclose(series.positions, [-20, -15, -10, -5])
    assert series.notes == ()


def test_the_three_orders_of_the_public_sets_by_hand(tmp_path):
    """np.rot90 is right where y runs to the front (LAS), .T where it runs to the back (LPS)."""
    las = pair(tmp_path / "las").load()
    assert np.array_equal(las.hu[2], np.rot90(head()[:, :, 2]))
    lps, affine = turned(head(), AFFINE, "LPS")
    series = pair(tmp_path / "lps", lps, turned(lesion(), AFFINE, "LPS")[0], affine).load()
    assert np.array_equal(series.hu[2], lps[:, :, 2].T)


@settings(max_examples=30, deadline=None)
@given(
    codes=st.sampled_from(ALL_48),
    shape=st.tuples(*[st.integers(2, 6)] * 3),
    angles=st.tuples(*[st.floats(-0.3, 0.3)] * 3),
)
def test_turning_keeps_every_voxel_at_its_place(codes, shape, angles):
    rotation = np.eye(3)
    for k, angle in enumerate(angles):
        i, j = (k + 1) % 3, (k + 2) % 3
        step = np.eye(3)
        step[i, i] = step[j, j] = np.cos(angle)
        step[i, j], step[j, i] = -np.sin(angle), np.sin(angle)
        rotation = rotation @ step
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([0.5, 0.5, 5.0])
    voxels = np.arange(np.prod(shape)).reshape(shape)
    image = nib.Nifti1Image(voxels.astype(np.int32), affine)
    image = image.as_reoriented(ornt_transform(io_orientation(affine), axcodes2ornt(codes)))
    slices, grid = to_display(np.asarray(image.dataobj), image.affine)
    k, row, column = np.unravel_index(np.arange(slices.size), slices.shape)
    places = grid @ np.array([column, row, k, np.ones_like(k)])
    origin = affine @ np.vstack([np.unravel_index(slices.ravel(), shape), np.ones(slices.size)])
    assert np.allclose(places, origin, atol=1e-4)


def test_simpleitk_reads_the_same_slices_spacing_and_positions(tmp_path):
    lps, affine = turned(head(), AFFINE, "LPS")
    series = pair(tmp_path, lps, turned(lesion(), AFFINE, "LPS")[0], affine).load()
    image = sitk.ReadImage(str(tmp_path / "p/s_ct.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(image), series.hu)
    assert np.allclose(image.GetSpacing(), (*series.pixel_spacing[::-1], 5.0))
    places = [image.TransformIndexToPhysicalPoint((0, 0, k))[2] for k in range(4)]
    assert np.allclose(places, series.positions)


@pytest.mark.parametrize("degrees", [22.0, -12.0])
def test_gantry_tilt_is_kept_as_a_shear_and_told(tmp_path, degrees):
    """Two thirds of RSNA studies are tilted, and SimpleITK refuses sheared files."""
    affine = AFFINE.copy()
    affine[1, 2] = 5 * np.tan(np.radians(degrees))  # slices step up and to the front or back
    series = pair(tmp_path, affine=affine).load()
    assert np.array_equal(series.hu, display(head()))  # nothing is resampled
    assert abs(series.gantry_tilt) == pytest.approx(abs(degrees), abs=0.01)
    assert np.allclose(np.diff(series.positions), 5.0)


def test_positions_lie_along_the_normal_of_oblique_slices(tmp_path):
    """A tilt stored as a rotation has its spacing along the normal."""
    angle = np.radians(20)
    affine = np.eye(4)
    affine[:3, :3] = np.array(
        [[-1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    ) @ np.diag([0.5, 0.5, 5.0])
    series = pair(tmp_path, affine=affine).load()
    assert series.gantry_tilt == 0 and np.allclose(np.diff(series.positions), 5.0)


@pytest.mark.parametrize("padding", [-1024, -2048, -3024, -4298, -32054])
def test_padding_and_metal_are_clipped(tmp_path, padding):
    """Minima down to -32054 and maxima up to 31701 occur; padding is not the air."""
    image = head()
    image[:3], image[5, 5, 1] = padding, 31701
    series = pair(tmp_path, image).load()
    assert series.hu.min() == -1024 and series.hu.max() == 3071 and series.notes == ()
    assert np.array_equal(series.hu, display(image.clip(-1024, 3071)))


def test_wrapped_values_are_undone_with_a_note(tmp_path):
    """One volume of BHSD has 0..4095 with air at 3096."""
    hu = head().clip(-1000)  # such files know no HU below
    series = pair(tmp_path, (hu % 4096).astype(np.uint16)).load()
    assert np.array_equal(series.hu, display(hu))
    assert [note for note in series.notes if "wrap" in note]


@pytest.mark.parametrize("added", [1024, 1000])
def test_stored_values_without_an_intercept_are_shifted_with_a_note(tmp_path, added):
    """Air near 24 or at 0 where the rescale was lost."""
    image = (head().clip(-1000) + added).astype(np.uint16)
    series = pair(tmp_path, image).load()
    assert np.array_equal(series.hu, display(head().clip(-1000)))
    assert [note for note in series.notes if f"-{added}" in note]


def test_values_that_overflow_16_bits_when_shifted_do_not(tmp_path):
    image = (head().clip(-1000) + 1024).astype(np.int16)
    image[0] = -32054
    assert pair(tmp_path, image).load().hu.min() == -1024


def windowed(hu):
    return ((hu.clip(0, 80) / 80) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        windowed(head()),
        head().clip(-100, 100),
        np.where(head() > 0, head(), 0),  # a brain cut out of its skull, on zero
        np.zeros((16, 18, 4), np.int16),
        np.full((16, 18, 4), -1000, np.int16),
        np.random.default_rng(0).normal(0, 1, (16, 18, 4)).astype(np.float32),
        np.full((16, 18, 4), np.nan, np.float32),
    ],
    ids=["8 bit", "clipped", "cut out", "zero", "air", "z-score", "nan"],
)
def test_what_is_not_in_hu_is_refused(tmp_path, image):
    """Windowed and normalised volumes look like CT and are not in HU."""
    refused(pair(tmp_path, image), "not in HU", "s_ct")


def test_float_noise_and_nan_outside_the_scan_circle_do_not_hide_the_air(tmp_path):
    image = head().astype(np.float32) + np.random.default_rng(1).normal(0, 0.2, (16, 18, 4))
    image[:2] = np.nan
    series = pair(tmp_path, image.astype(np.float32)).load()
    assert series.hu.min() == -1024 and abs(np.median(series.hu[series.hu > 0]) - 40) < 3


def test_a_mask_in_another_voxel_order_is_turned_by_its_own_affine(tmp_path):
    mask, affine = turned(lesion(), AFFINE, "PSR")
    series = pair(tmp_path, mask=mask, mask_affine=affine).load()
    assert np.array_equal(series.labels, display(lesion()) * 4) and series.notes == ()


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mask_whose_header_says_nothing_is_paired_by_index_with_a_note(tmp_path, mirrored):
    """Identity, as nibabel or (mirrored) SimpleITK writes it for an array alone."""
    affine = np.diag([-1.0, -1, 1, 1]) if mirrored else np.eye(4)
    series = pair(tmp_path, mask_affine=affine).load()
    assert np.array_equal(series.labels, display(lesion()) * 4)
    assert any("says nothing" in note for note in series.notes)


def test_a_mask_of_another_voxel_size_is_resampled_as_simpleitk_does(tmp_path):
    affine = AFFINE.copy()
    affine[0, 0] *= 1.3
    series = pair(tmp_path, mask_affine=affine).load()
    image, mask = (sitk.ReadImage(str(tmp_path / f"p/s_{n}.nii.gz")) for n in ("ct", "seg"))
    told = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    expected = display(sitk.GetArrayFromImage(told).T) * 4
    assert np.array_equal(series.labels, expected) and expected.any()
    assert any("resampled" in note for note in series.notes)


def test_a_mask_of_another_place_is_refused(tmp_path):
    affine = AFFINE.copy()
    affine[:3, 3] += 30
    refused(pair(tmp_path, mask_affine=affine), "s_seg", "mm away")


def test_a_mask_of_another_shape_is_refused(tmp_path):
    refused(pair(tmp_path, mask=lesion((16, 18, 5))), "s_seg", "(16, 18, 5)", "(16, 18, 4)")


def test_a_value_beside_the_map_is_refused_with_the_map(tmp_path):
    """Integers mean other classes in other projects."""
    refused(pair(tmp_path, mask=lesion(value=3)), "value 3", "1=EDH, 2=IPH", "s_seg")


def test_a_probability_map_is_not_a_mask(tmp_path):
    refused(pair(tmp_path, mask=lesion() * np.float32(0.5)), "0.5")


@pytest.mark.parametrize("value", [np.nan, -1])
def test_a_mask_of_no_labels_is_refused(tmp_path, value):
    mask = lesion().astype(np.float32)
    mask[0, 0, 0] = value
    refused(pair(tmp_path, mask=mask), "s_seg")
    with pytest.raises(Refused, match="binary"):
        OneClass(1)(mask, tmp_path)


def test_labels_that_a_scale_factor_made_inexact_are_read(tmp_path):
    path = write(tmp_path / "m.nii", lesion())
    image = nib.load(path)
    image.header.set_slope_inter(1.0000001, 0)
    labels, _ = MAP(lesion() * 1.0000001, path)
    assert np.array_equal(labels, lesion() * 4)


def test_ignored_values_become_background(tmp_path):
    labels, _ = LabelMap.parse("1=,2=SDH")(lesion() + lesion(value=0), tmp_path)
    assert not labels.any()


@pytest.mark.parametrize(
    "labels", [{"0": "EDH"}, {"-1": "EDH"}, {"one": "EDH"}, {"1.0": "EDH"}, {"": "EDH"}]
)
def test_a_map_of_labels_that_no_integer_mask_holds_is_told(tmp_path, labels):
    pair(tmp_path)
    with pytest.raises(UserError, match="label map"):
        pattern = "{patient}/{scan}_%s.nii.gz"
        find(tmp_path, pattern % "ct", pattern % "seg", LabelMap.of(labels.items()))


def test_one_slice_is_no_series(tmp_path):
    image, mask = head(shape=(16, 18, 1)), lesion((16, 18, 1))
    refused(pair(tmp_path, image, mask), "single slice")


def test_sheared_rows_and_columns_are_refused(tmp_path):
    affine = AFFINE.copy()
    affine[0, 1] = 0.2
    refused(pair(tmp_path, affine=affine), "right angles")


def test_a_sagittal_stack_is_refused(tmp_path):
    """Sagittal and coronal reformats lie among the series of a head CT."""
    image, mask = (voxels.transpose(2, 0, 1) for voxels in (head(), lesion()))
    refused(pair(tmp_path, image, mask, np.diag([5.0, 0.5, 0.5, 1.0])), "axial")


def test_a_header_without_orientation_is_read_with_a_note(tmp_path):
    case = pair(tmp_path)
    for path in (case.path, *case.masks):
        image = nib.load(path)
        image.set_sform(None, 0)
        image.set_qform(None, 0)
        nib.save(image, path)
    assert any("states no orientation" in note for note in case.load().notes)


def test_qform_alone_is_enough(tmp_path):
    """BHSD's masks and 50 files of HemSeg have an sform_code of 0."""
    case = pair(tmp_path)
    image = nib.load(case.path)
    image.set_sform(None, 0)
    image.set_qform(AFFINE, 1)
    nib.save(image, case.path)
    series = case.load()
    assert np.array_equal(series.hu, display(head())) and series.notes == ()


def test_cases_cross_to_another_process(tmp_path):
    case = pair(tmp_path)
    assert pickle.loads(pickle.dumps(case)) == case  # noqa: S301 - our own bytes
    refusal = pickle.loads(pickle.dumps(Refused(case.path, "why", "detail")))  # noqa: S301
    assert refusal.reason == "why"


# What is no volume


def four_dimensions(path):
    write(path, np.zeros((4, 4, 4, 3), np.int16))


def colours(path):
    voxels = np.zeros((4, 4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    write(path, voxels)


def complex_numbers(path):
    write(path, np.zeros((4, 4, 4), np.complex64))


def ten_gibibytes(path):
    content = bytearray(nib.Nifti1Image(head(), AFFINE).to_bytes()[:400])
    content[40:56] = struct.pack("<8h", 3, 30000, 30000, 6, 1, 1, 1, 1)
    path.write_bytes(gzip.compress(bytes(content)))


def with_affine(path, values):
    content = bytearray(nib.Nifti1Image(lesion(), AFFINE).to_bytes())
    content[280:328] = struct.pack("<12f", *values)
    path.write_bytes(gzip.compress(bytes(content)))


def not_a_number(path):
    with_affine(path, [np.nan, *AFFINE[:3].ravel()[1:]])


def flat(path):
    with_affine(path, [0] * 12)


def truncated(path):
    write(path, head())
    path.write_bytes(path.read_bytes()[:900])


def cut_in_the_header(path):
    path.write_bytes(gzip.compress(nib.Nifti1Image(head(), AFFINE).to_bytes()[:200]))


def garbage(path):
    path.write_bytes(b"\x00\xff not an image " * 50)


def unknown_type(path):
    content = bytearray(nib.Nifti1Image(head(), AFFINE).to_bytes())
    content[70:72] = struct.pack("<h", 9999)
    path.write_bytes(gzip.compress(bytes(content)))


def nothing(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [four_dimensions, colours, complex_numbers, ten_gibibytes, not_a_number, flat, truncated,
     cut_in_the_header, garbage, unknown_type, nothing],
)  # fmt: skip
@pytest.mark.parametrize("which", ["ct", "seg"])
def test_damaged_files_cost_a_sentence(tmp_path, damage, which):
    case = pair(tmp_path)
    path = tmp_path / f"p/s_{which}.nii.gz"
    path.unlink()
    damage(path)
    text = refused(case, path.name)
    assert "label map" not in text and "not in HU" not in text, text  # it is the file that is bad


@settings(max_examples=60, deadline=None)
@given(where=st.integers(0, 347), value=st.integers(0, 255))
def test_any_damaged_byte_of_a_header_is_read_or_refused(tmp_path_factory, where, value):
    folder = tmp_path_factory.mktemp("fuzz")
    case = pair(folder, suffix=".nii")
    content = bytearray(case.path.read_bytes())
    content[where] = value
    case.path.write_bytes(bytes(content))
    try:
        assert case.load().hu.dtype == np.int16
    except Refused as refusal:
        assert "s_ct" in str(refusal) or "s_seg" in str(refusal)


# Finding


def test_images_and_masks_are_paired_by_patient_and_scan(tmp_path):
    for patient, scan in (("b", "1"), ("a", "2"), ("a", "1")):
        write(tmp_path / patient / f"{scan}_ct.nii.gz", head())
        write(tmp_path / patient / f"{scan}_seg.nii.gz", lesion())
    found = find(tmp_path, "{patient}/{scan}_ct.nii.gz", "{patient}/{scan}_seg.nii.gz", MAP)
    assert [(c.patient, c.series) for c in found.cases] == [
        ("a", "a/1"),
        ("a", "a/2"),
        ("b", "b/1"),
    ]
    assert not found.refused and not found.left_out


def test_a_mask_that_looks_like_an_image_is_a_mask(tmp_path):
    write(tmp_path / "a/1.nii.gz", head())
    write(tmp_path / "a/1_seg.nii.gz", lesion())
    found = find(tmp_path, "{patient}/{scan}.nii.gz", "{patient}/{scan}_seg.nii.gz", MAP)
    assert len(found.cases) == 1 and not found.refused


def test_what_has_no_partner_is_refused(tmp_path):
    for name in ("a_ct", "a_seg", "b_ct", "c_seg"):
        write(tmp_path / f"{name}.nii", head())
    found = find(tmp_path, "{patient}_ct.nii", "{patient}_seg.nii", MAP)
    assert [case.patient for case in found.cases] == ["a"]
    assert [r.path.name for r in found.refused] == ["b_ct.nii", "c_seg.nii"]
    assert not any("b_ct" in r.reason or "c_seg" in r.reason for r in found.refused)


def test_junk_of_an_archive_is_left_out(tmp_path):
    """__MACOSX folders and ._ files end in .nii.gz too."""
    pair(tmp_path)
    (tmp_path / "p/._s_ct.nii.gz").write_bytes(b"x")
    (tmp_path / "__MACOSX/p").mkdir(parents=True)
    (tmp_path / "__MACOSX/p/._s_seg.nii.gz").write_bytes(b"x")
    found = find(tmp_path, "{patient}/{scan}_ct.nii.gz", "{patient}/{scan}_seg.nii.gz", MAP)
    assert len(found.cases) == 1 and [item.files for item in found.left_out] == [2]


def test_links_are_followed_once_even_in_circles(tmp_path):
    pair(tmp_path / "disk")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/q").symlink_to(tmp_path / "disk/p")
    (tmp_path / "disk/p/again").symlink_to(tmp_path / "mine")
    found = find(
        tmp_path / "mine", "{patient}/{scan}_ct.nii.gz", "{patient}/{scan}_seg.nii.gz", MAP
    )
    assert [case.patient for case in found.cases] == ["q"]


@pytest.mark.parametrize(
    ("images", "masks", "told"),
    [
        ("ct.nii", "seg.nii", "{patient}"),
        ("{patient}/{day}.nii", "{patient}/{day}_seg.nii", "{patient}"),
        ("{patient}/{scan}.nii", "{patient}_seg.nii", "placeholders"),
        ("{patient}.nii", "{patient}.nii", "two patterns"),
        ("{patient}_x.nii", "{patient}_y.nii", "No file"),
        ("{patient}.+", "{patient}.*", "No file"),
    ],
)
def test_patterns_that_cannot_pair_are_told(tmp_path, images, masks, told):
    pair(tmp_path)
    with pytest.raises(UserError) as error:
        find(tmp_path, images, masks, MAP)
    assert told in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.rar", "a.tgz"])
def test_an_archive_is_not_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(UserError, match="unpack it first"):
        find(tmp_path / name, "{patient}_ct.nii", "{patient}_seg.nii", MAP)


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "a.nii").write_bytes(b"")
    for name, told in (("nowhere", "does not exist"), ("a.nii", "is a file"), (".", "No file")):
        with pytest.raises(UserError, match=told):
            find(tmp_path / name, "{patient}_ct.nii", "{patient}_seg.nii", MAP)


def test_a_real_looking_volume_in_any_integer_type_is_the_same_head(tmp_path):
    expected, _ = to_hu(head(), tmp_path)
    for kind in (np.int16, np.int32, np.float32, np.float64):
        hu, notes = to_hu(head().astype(kind), tmp_path)
        assert np.array_equal(hu, expected) and notes == ()


def test_a_case_is_frozen(tmp_path):
    case = pair(tmp_path)
    assert isinstance(case, NiftiCase) and hash(case)
    with pytest.raises(AttributeError):
        case.patient = "x"


def test_a_small_file_that_claims_gigabytes_is_refused_unread(tmp_path):
    header = nib.Nifti1Header()
    header.set_data_shape((1024, 1024, 512))
    header.set_data_dtype(np.uint8)
    header.set_sform(AFFINE, code=1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + b"\0" * 1000))
    with pytest.raises(Refused, match="512.*at most 2 GiB"):
        read_nifti(path)
