"""Each public set as it unpacks, in miniature, with everything odd about its layout."""

import json
import pickle

import numpy as np
import pytest

from lcgan_core.cohort.public import bhsd, ct_ich, hemseg, instance22, mbh_seg25, seg_cq500
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.lesions import LABELS

from .volumes import AFFINE, display, head, lesion, write

A, B = "ID_0a1b2c3d_ID_0123456789", "ID_ffffffff_ID_abcdefabcd"
SETS = (bhsd, ct_ich, hemseg, instance22, mbh_seg25, seg_cq500)


def told(function, *arguments, **keywords):
    """The one sentence with which a call is refused."""
    with pytest.raises(UserError) as error:
        function(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


def make_bhsd(folder, names=(A, B)):
    for k, name in enumerate(names):
        write(folder / f"label_192/images/{name}.nii.gz", head(k))
        write(folder / f"label_192/ground truths/{name}.nii.gz", lesion(value=k + 1))
    return folder / "label_192"


CSV = (
    "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural,"
    "No_Hemorrhage,Fracture_Yes_No\n"
)


def make_ct_ich(folder, rows=None, value=255):
    """Patient 49 bleeds on voxel indices 1 (EDH) and 2 (SDH), patient 50 nowhere."""
    root = folder / "computed-tomography-images-1.3.1"
    for name, mask in (("049", lesion(value=value)), ("050", lesion(value=0))):
        write(root / f"ct_scans/{name}.nii", head(int(name)))
        write(root / f"masks/{name}.nii", mask)
    if rows is None:
        rows = ["49,1,0,0,0,0,0,1,0", "49,2,0,0,0,1,0,0,0", "49,3,0,0,0,0,1,0,1"]
        rows += ["49,4,0,0,0,0,0,1,0", *(f"50,{k},0,0,0,0,0,1,0" for k in range(1, 5))]
    (root / "hemorrhage_diagnosis_raw_ct.csv").write_text(CSV + "\n".join(rows) + "\n")
    return root


def make_instance(folder, top="train_2"):
    for k in (1, 2):
        write(folder / top / f"data/{k:03}.nii.gz", head(k))
        write(folder / top / f"label/{k:03}.nii.gz", lesion())
    return folder / top


def make_cq500(folder, image="CQ500-CT-1/CT.nii"):
    root = folder / "Seg-CQ500/data/volumes"
    write(root / "CQ500-CT-1/CT.nii", head())
    write(root / "CQ500-CT-1/ICH_mask.nii.gz", lesion())
    write(root / "CQ500-CT-1/brain.nii.gz", (head() > 0).astype(np.uint8))
    (root / "info.csv").write_text(
        f"name,CT_fn,mask_fn,ICH\nCQ500-CT-1,{image},CQ500-CT-1/ICH_mask.nii.gz,0.98\n"
    )
    return root


def make_hemseg(folder, images="image", scans=(("train", "0123456789"), ("val", "07299832a8"))):
    for split, scan in scans:
        write(folder / f"HemSeg-500/{split}/label/{scan}.nii.gz", lesion())
        if images:
            write(folder / f"HemSeg-500/{split}/{images}/{scan}.nii.gz", head(int(scan, 16) % 99))
    return folder / "HemSeg-500"


def make_mbh(folder, raters=(1, 2, 5)):
    root = folder / "MBH_Train_2025_voxel-label"
    write(root / A / "image.nii.gz", head())
    for k in raters:
        write(root / A / f"label_annot_{k}.nii.gz", lesion())
    return root


MAKERS = {
    bhsd: make_bhsd, ct_ich: make_ct_ich, instance22: make_instance,
    seg_cq500: make_cq500, hemseg: make_hemseg, mbh_seg25: make_mbh,
}  # fmt: skip
BINARY = (instance22, seg_cq500, hemseg)


def arguments(module):
    return {"as_class": "IPH"} if module in BINARY else {}


@pytest.mark.parametrize("module", SETS)
def test_a_set_is_recognised_by_its_own_reader_only(tmp_path, module):
    MAKERS[module](tmp_path / "downloads" / "of mine")
    assert [one for one in SETS if one.is_here(tmp_path)] == [module]


@pytest.mark.parametrize("module", SETS)
def test_a_set_is_found_from_its_own_folder_and_from_outer_ones(tmp_path, module):
    """What the root is called depends on how it was fetched."""
    root = MAKERS[module](tmp_path / "physionet.org/files")
    for source in (root, root.parent, tmp_path):
        found = module.find(source, **arguments(module))
        assert found.cases and not found.refused


@pytest.mark.parametrize("module", SETS)
def test_every_case_loads_in_another_process(tmp_path, module):
    MAKERS[module](tmp_path)
    for case in module.find(tmp_path, **arguments(module)).cases:
        series = pickle.loads(pickle.dumps(case)).load()  # noqa: S301 - our own bytes
        assert series.hu.dtype == np.int16 and series.labels.dtype == np.uint8
        assert series.hu.shape == series.labels.shape
        assert (series.patient, series.uid) == (case.patient, case.series)


@pytest.mark.parametrize("module", SETS)
def test_an_empty_folder_is_told(tmp_path, module):
    assert not module.is_here(tmp_path)
    assert str(tmp_path) in told(module.find, tmp_path, **arguments(module))


@pytest.mark.parametrize("module", SETS)
def test_an_archive_is_not_opened(tmp_path, module):
    (tmp_path / "set.zip").write_bytes(b"PK")
    assert "unpack it first" in told(module.find, tmp_path / "set.zip", **arguments(module))


@pytest.mark.parametrize("module", SETS)
def test_what_macos_leaves_behind_is_no_scan(tmp_path, module):
    """__MACOSX and ._* carry the names of scans."""
    root = MAKERS[module](tmp_path)
    files = [path for path in root.rglob("*") if path.is_file()]
    for path in files:
        path.with_name("._" + path.name).write_bytes(b"junk")
        junk = tmp_path / "__MACOSX" / path.relative_to(tmp_path)
        junk.parent.mkdir(parents=True, exist_ok=True)
        junk.with_name("._" + path.name).write_bytes(b"junk")
    found = module.find(tmp_path, **arguments(module))
    assert not found.refused and all("._" not in str(case.path) for case in found.cases)
    assert sum(item.files for item in found.left_out if "archive" in item.reason) >= len(files)


@pytest.mark.parametrize("module", [bhsd, ct_ich, instance22, hemseg])
def test_a_scan_without_mask_and_a_mask_without_scan_are_refused(tmp_path, module):
    root = MAKERS[module](tmp_path)
    files = sorted(path for path in root.rglob("*.nii*") if path.is_file())
    files[0].unlink()
    reasons = [r.reason for r in module.find(tmp_path, **arguments(module)).refused]
    assert len(reasons) == 1 and ".nii" not in reasons[0] and "ID_" not in reasons[0]


# BHSD


def test_bhsd_has_its_published_map_and_its_patients(tmp_path):
    """The folder "ground truths" has a space; 1 EDH, 2 IPH, 3 IVH, 4 SAH, 5 SDH."""
    root = make_bhsd(tmp_path)
    mask = lesion(value=0)
    mask[5:10, 5, 1] = [1, 2, 3, 4, 5]
    write(root / f"ground truths/{A}.nii.gz", mask)
    case = bhsd.find(tmp_path).cases[0]
    assert (case.patient, case.series) == ("ID_0a1b2c3d", "ID_0123456789")
    official = np.array([0, *(LABELS[name] for name in ("EDH", "IPH", "IVH", "SAH", "SDH"))])
    assert np.array_equal(case.load().labels, official[display(mask)])


def test_bhsd_with_an_underscore_is_not_guessed(tmp_path):
    """The folder is called "ground truths"."""
    root = make_bhsd(tmp_path)
    (root / "ground truths").rename(root / "ground_truths")
    assert bhsd.is_here(tmp_path) and "with a space" in told(bhsd.find, tmp_path)


def test_bhsd_does_not_need_its_dataset_json(tmp_path):
    """It names folders that are not in the zip, and lists strings for the test."""
    root = make_bhsd(tmp_path)
    listed = {"training": [{"image": f"./imagesTr/{A}.nii.gz"}], "test": ["/etc/../imagesTs/x"]}
    (root / "dataset.json").write_text(json.dumps(listed))
    assert len(bhsd.find(tmp_path).cases) == 2


def test_bhsd_wrapped_volume_is_unwrapped(tmp_path):
    """ID_a429fd9a_ID_2eabc43f3d has 0..4095 with air at 3096."""
    name = "ID_a429fd9a_ID_2eabc43f3d"
    root, hu = make_bhsd(tmp_path, (name,)), head().clip(-1000)
    write(root / f"images/{name}.nii.gz", (hu % 4096).astype(np.uint16))
    series = bhsd.find(tmp_path).cases[0].load()
    assert np.array_equal(series.hu, display(hu)) and "wrap" in series.notes[0]


def test_bhsd_case_with_two_affines_is_paired_by_index(tmp_path):
    """Image and mask of ID_089596a9_ID_ea71b57820 and three more differ in affine."""
    root, affine = make_bhsd(tmp_path, (A,)), AFFINE.copy()
    affine[1, 3] += 25
    write(root / f"ground truths/{A}.nii.gz", lesion(), affine)
    series = bhsd.find(tmp_path).cases[0].load()
    assert np.array_equal(series.labels > 0, display(lesion()) > 0)
    assert "different headers" in series.notes[0]


def test_bhsd_patient_with_two_studies_is_one_patient(tmp_path):
    """192 studies are of 191 patients."""
    make_bhsd(tmp_path, ("ID_2db7ee14_ID_0123456789", "ID_2db7ee14_ID_9876543210"))
    cases = bhsd.find(tmp_path).cases
    assert len({case.patient for case in cases}) == 1 and len({c.series for c in cases}) == 2


def test_bhsd_copy_with_empty_masks_or_without_suffix_is_refused(tmp_path):
    """A copy on Kaggle had empty masks and names without .nii.gz."""
    root = make_bhsd(tmp_path, (A,))
    write(root / f"ground truths/{A}.nii.gz", lesion(value=0))
    with pytest.raises(Refused, match="empty mask"):
        bhsd.find(tmp_path).cases[0].load()
    for path in root.rglob("*.nii.gz"):
        path.rename(path.with_name(path.name[:-7]))
    assert "suffix" in told(bhsd.find, tmp_path)


def test_bhsd_scans_without_masks_are_left_out(tmp_path):
    """The folder unlabel_2000 lies beside label_192."""
    make_bhsd(tmp_path)
    write(tmp_path / f"unlabel_2000/nobleed/{A}.nii.gz", head())
    found = bhsd.find(tmp_path)
    assert len(found.cases) == 2 and [item.files for item in found.left_out] == [1]


# CT-ICH


@pytest.mark.parametrize("value", [1, 255])
def test_ct_ich_slices_count_from_one_and_masks_from_any_value(tmp_path, value):
    """Class from the CSV, SliceNumber from 1, mask above 0."""
    make_ct_ich(tmp_path, value=value)
    case, other = ct_ich.find(tmp_path).cases
    series = case.load()
    expected = lesion(value=0)
    expected[:, :, 1] = lesion()[:, :, 1] * LABELS["EDH"]
    expected[:, :, 2] = lesion()[:, :, 2] * LABELS["SDH"]
    assert np.array_equal(series.labels, display(expected)) and series.notes == ()
    assert not other.load().labels.any()


def test_ct_ich_index_is_that_of_the_file_also_where_the_file_runs_downwards(tmp_path):
    """SliceNumber counts in the file, however the affine turns the slices."""
    root, down = make_ct_ich(tmp_path), AFFINE @ np.diag([1, 1, -1, 1.0])
    write(root / "ct_scans/049.nii", head(49), down)
    write(root / "masks/049.nii", lesion(), down)
    labels = ct_ich.find(tmp_path).cases[0].load().labels
    assert [set(np.unique(one)) for one in labels] == [{0}, {0, 5}, {0, 4}, {0}]


def test_ct_ich_slices_with_two_types_or_a_contradiction_are_left_out_and_counted(tmp_path):
    """25 slices carry two or more classes, which a mask cannot tell apart."""
    rows = ["49,1,0,0,0,0,0,1,0", "49,2,1,1,0,0,0,0,0", "49,3,0,0,0,0,0,1,0", "49,4,0,0,1,0,0,0,0"]
    make_ct_ich(tmp_path, rows + [f"50,{k},0,0,0,0,0,1,0" for k in (1, 2, 3)])
    first, second = (case.load() for case in ct_ich.find(tmp_path).cases)
    assert np.array_equal(first.hu, display(head(49))[:1])  # index 0 alone is certain
    assert np.allclose(first.positions, [-20])
    assert first.notes == (
        "slices left out, CSV and mask disagree: 2",
        "slices left out, two or more classes: 1",
    )
    assert len(second.hu) == 3 and second.notes[0].endswith("disagree: 1")  # no row in the CSV


def test_ct_ich_table_with_bom_and_decimals_is_read(tmp_path):
    """A BOM, CRLF and "1.0" cells occur; the demographics file is not needed."""
    root = make_ct_ich(tmp_path)
    table = root / "hemorrhage_diagnosis_raw_ct.csv"
    lines = table.read_text().splitlines()
    cells = [",".join(f"{cell}.0" for cell in line.split(",")) for line in lines[1:]]
    table.write_bytes(("\ufeff" + "\r\n".join([lines[0], *cells, ""])).encode())
    (root / "Patient_demographics.csv").write_bytes(
        b'\xef\xbb\xbfPatient Number,"Age\n(years)",Gender\r\n,,,Intraventricular\r\n49,0.002,M\r\n'
    )
    assert {4, 5} < set(np.unique(ct_ich.find(tmp_path).cases[0].load().labels))


def test_ct_ich_names_are_found_in_any_case(tmp_path):
    """README and files spell names differently."""
    root = make_ct_ich(tmp_path)
    for name in ("hemorrhage_diagnosis_raw_ct.csv", "ct_scans"):
        (root / name).rename(root / name.title())
    assert ct_ich.is_here(tmp_path) and len(ct_ich.find(tmp_path).cases) == 2


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (["49,0,0,0,0,0,0,1,0"], "count from 1"),
        (["../049,1,0,0,0,0,0,1,0"], "whole numbers in line 2"),
        (["49,1.5,0,0,0,0,0,1,0"], "whole numbers in line 2"),
        (["49,nan,0,0,0,0,0,1,0"], "whole numbers in line 2"),
        (["49,1,0,0,0,0,0,1,0", "49,1,1,0,0,0,0,0,0"], "twice"),
        (["49,1"], "too few cells"),
    ],
)
def test_ct_ich_table_that_cannot_be_right_is_told(tmp_path, rows, part):
    """Counted from 0, no numbers, contradictory."""
    make_ct_ich(tmp_path, rows)
    assert part in told(ct_ich.find, tmp_path)


def test_ct_ich_scan_that_the_table_does_not_fit_is_refused(tmp_path):
    make_ct_ich(tmp_path, ["49,9,0,0,0,0,0,1,0"])
    found = ct_ich.find(tmp_path)
    assert [r.path.name for r in found.refused] == ["050.nii"]  # no row at all
    with pytest.raises(Refused, match="4 slices"):
        found.cases[0].load()


def make_five_class(
    root, table="# Slicer\n0 Background 0 0 0 0\n1 EDH 255 0 0 255\n3 IVH 0 0 9 9\n"
):
    mask = lesion(value=3)
    mask[5, 5, 1] = 1
    write(root / "subtype_masks/049_1.nii", mask)
    if table:
        (root / "subtype_masks/ICH.ctbl").write_text(table)
    return mask


def test_ct_ich_five_class_masks_are_preferred_and_told(tmp_path):
    """049.nii goes with 049_1.nii, and ICH.ctbl states the integers."""
    mask = make_five_class(make_ct_ich(tmp_path))
    first, second = (case.load() for case in ct_ich.find(tmp_path).cases)
    assert np.array_equal(first.labels, np.array([0, 4, 0, 2])[display(mask)])
    assert "five-class" in first.notes[0] and second.notes == ()


def test_ct_ich_five_class_masks_without_their_map_are_not_guessed(tmp_path):
    """Integers mean nothing without the table beside them."""
    make_five_class(make_ct_ich(tmp_path), table=None)
    assert "ICH.ctbl" in told(ct_ich.find, tmp_path)


def test_ct_ich_as_jpeg_is_told_what_to_download(tmp_path):
    """Releases before 1.3 hold windowed JPEGs."""
    (tmp_path / "Patients_CT/049/brain").mkdir(parents=True)
    assert ct_ich.is_here(tmp_path) and "1.3.1" in told(ct_ich.find, tmp_path)


# Binary sets


@pytest.mark.parametrize(
    ("module", "name"),
    [(instance22, "INSTANCE 2022"), (seg_cq500, "Seg-CQ500"), (hemseg, "HemSeg")],
)
def test_binary_masks_ask_for_their_class(tmp_path, module, name):
    """The masks do not say which haemorrhage they show."""
    MAKERS[module](tmp_path)
    for given in ({}, {"as_class": "IPH", "class_table": tmp_path / "a.csv"}):
        sentence = told(module.find, tmp_path, **given)
        assert all(part in sentence for part in (name, "--as CLASS", "--classes FILE.csv"))
    assert "IPH, IVH, SAH, EDH, SDH" in told(module.find, tmp_path, as_class="ICH")
    for case in module.find(tmp_path, as_class="SDH").cases:
        assert set(np.unique(case.load().labels)) == {0, LABELS["SDH"]}


def test_classes_scan_by_scan(tmp_path):
    """Spreadsheets write 001 as 1."""
    make_instance(tmp_path)
    table = tmp_path / "mine.csv"
    table.write_text("\ufeffScan,Class\n1,edh\n", encoding="utf-8")
    found = instance22.find(tmp_path, class_table=table)
    assert [set(np.unique(case.load().labels)) for case in found.cases] == [{0, LABELS["EDH"]}]
    assert [r.path.name for r in found.refused] == ["002.nii.gz"]
    assert "add a row" in found.refused[0].reason and "002" not in found.refused[0].reason


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("scan;class\n001;IPH\n", "scan, class"),
        ("scan,class\n001,ICH\n", '"ICH"'),
        ("scan,class\n001,IPH\n001.nii.gz,SDH\n", "two classes"),
        ("", "scan, class"),
        ("scan,class\n001\n", "row 2"),
    ],
)
def test_a_table_of_classes_that_cannot_be_used_is_told(tmp_path, content, part):
    make_instance(tmp_path)
    (tmp_path / "mine.csv").write_text(content)
    sentence = told(instance22.find, tmp_path, class_table=tmp_path / "mine.csv")
    assert part in sentence and "mine.csv" in sentence


def test_a_table_of_classes_that_is_not_there_or_not_text_is_told(tmp_path):
    make_instance(tmp_path)
    (tmp_path / "mine.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    for name in ("mine.xlsx", "nowhere.csv"):
        assert name in told(instance22.find, tmp_path, class_table=tmp_path / name)


def test_instance_is_called_train_too_and_its_padding_is_clipped(tmp_path):
    """The folder is train_2 or train; minima of -2048 and -4298, a maximum of 27639."""
    root, hu = make_instance(tmp_path, "train"), head()
    hu[:2], hu[6, 6, 2] = -4298, 27639
    write(root / "data/001.nii.gz", hu)
    series = instance22.find(tmp_path, as_class="IPH").cases[0].load()
    assert (series.hu.min(), series.hu.max()) == (-1024, 3071)


@pytest.mark.parametrize("image", ["CQ500-CT-1/CT.nii", "CT.nii", "volumes/CQ500-CT-1/CT.nii"])
def test_cq500_takes_the_scan_that_its_table_names(tmp_path, image):
    """The file brain.nii.gz is a mask of the brain, not the scan."""
    make_cq500(tmp_path, image)
    case = seg_cq500.find(tmp_path, as_class="IPH").cases[0]
    assert case.path.name == "CT.nii" and case.patient == "CQ500-CT-1"
    assert np.array_equal(case.load().hu, display(head()))


@pytest.mark.parametrize(
    "image",
    ["../volumes/CQ500-CT-1/CT.nii", "/CT.nii", "C:\\CT.nii", "x\\..\\..\\CT.nii", "", "no"],
)
def test_cq500_table_that_names_files_elsewhere_is_refused(tmp_path, image):
    """Paths in tables: none may leave the table's folder."""
    root = make_cq500(tmp_path, image)
    if image.startswith("/"):
        write(tmp_path / "CT.nii", head())
        table = (root / "info.csv").read_text().replace(",/CT.nii", f",{tmp_path}/CT.nii")
        (root / "info.csv").write_text(table)
    found = seg_cq500.find(tmp_path, as_class="IPH")
    assert not found.cases and len(found.refused) == 1
    assert "CT.nii" not in found.refused[0].reason


@pytest.mark.parametrize("name", ["x" * 3000, "a\0b"])
def test_cq500_table_with_what_can_be_no_name_is_refused(tmp_path, name):
    make_cq500(tmp_path, name)
    [refused] = seg_cq500.find(tmp_path, as_class="IPH").refused
    assert refused.reason.startswith("names a file that is not there")


def test_cq500_scans_beside_the_table_are_left_out(tmp_path):
    write(make_cq500(tmp_path) / "CQ500-CT-9/CT.nii", head())
    assert [item.files for item in seg_cq500.find(tmp_path, as_class="IPH").left_out] == [1]


def test_cq500_tilted_scan_that_simpleitk_cannot_read_is_read(tmp_path):
    """SimpleITK failed on 32 of 51 scans, whose affines are sheared."""
    import SimpleITK as sitk

    root, affine = make_cq500(tmp_path), AFFINE.copy()
    affine[1, 2] = 5 * np.tan(np.radians(10))
    write(root / "CQ500-CT-1/CT.nii", head(), affine)
    write(root / "CQ500-CT-1/ICH_mask.nii.gz", lesion(), affine)
    with pytest.raises(RuntimeError, match="orthonormal"):
        sitk.ReadImage(str(root / "CQ500-CT-1/CT.nii"))
    series = seg_cq500.find(tmp_path, as_class="IPH").cases[0].load()
    assert abs(series.gantry_tilt) == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("images", ["image", "images", "img"])
def test_hemseg_images_lie_beside_the_labels(tmp_path, images):
    """The set has labels only; the user rebuilds the images."""
    make_hemseg(tmp_path, images)
    assert len(hemseg.find(tmp_path, as_class="IVH").cases) == 2


def test_hemseg_without_images_is_told_how_to_get_them(tmp_path):
    """Labels only."""
    make_hemseg(tmp_path, images=None)
    assert "rebuild the images" in told(hemseg.find, tmp_path, as_class="IVH")


def test_hemseg_stores_rows_towards_the_back(tmp_path):
    """HemSeg is LPS, where a transpose shows the head upright."""
    root = make_hemseg(tmp_path)
    lps = np.diag([-0.5, -0.5, 5.0, 1.0])
    for kind, voxels in (("image", head()), ("label", lesion())):
        write(root / f"train/{kind}/0123456789.nii.gz", voxels, lps)
    series = hemseg.find(tmp_path, as_class="IPH").cases[0].load()
    assert np.array_equal(series.hu, head().transpose(2, 1, 0))


@pytest.mark.parametrize("as_folder", [True, False])
def test_hemseg_tables_are_taken_on_the_users_word(tmp_path, as_folder):
    """0 = IPH and 1 = IVH; the README says otherwise, so they are never used unasked."""
    make_hemseg(tmp_path)
    for split, row in (("train", "0123456789,1"), ("val", "07299832a8,0"), ("test", "1b,0")):
        (tmp_path / f"{split}_set.csv").write_text(f"filename,label\n{row}\n")
    assert "--classes" in told(hemseg.find, tmp_path)
    given = tmp_path if as_folder else tmp_path / "train_set.csv"
    found = hemseg.find(tmp_path, class_table=given)
    first = found.cases[0].load()
    assert set(np.unique(first.labels)) == {0, LABELS["IVH"]}
    assert len(found.cases) == (2 if as_folder else 1) and len(found.refused) == (not as_folder)


def test_hemseg_table_of_the_users_own_and_a_wrong_one(tmp_path):
    make_hemseg(tmp_path)
    (tmp_path / "mine.csv").write_text("scan,class\n0123456789,IPH\n07299832a8,IVH\n")
    assert len(hemseg.find(tmp_path, class_table=tmp_path / "mine.csv").cases) == 2
    (tmp_path / "train_set.csv").write_text("filename,label\n0123456789,2\n")
    assert "0 = IPH" in told(hemseg.find, tmp_path, class_table=tmp_path / "train_set.csv")
    assert "val_set.csv" in told(hemseg.find, tmp_path, class_table=tmp_path)


def test_hemseg_patients_in_two_splits_are_one_patient(tmp_path):
    """8 patients lie in two splits; -200 lists slices, -500 numbers them."""
    make_hemseg(tmp_path)
    old = {"patient": "ID_0a1b2c3d", "scan_": "0123456789", "slice_list": ["a", "b"]}
    new = {"patient_name": "ID_0a1b2c3d", "scan_name": "07299832a8", "slice_list": {"0": "a"}}
    (tmp_path / "annotion_file_info.jsonl").write_text(json.dumps(old) + "\n\n")
    (tmp_path / "annotion_file_info_500.jsonl").write_text(json.dumps(new) + "\n")
    cases = hemseg.find(tmp_path, as_class="IPH").cases
    assert [case.patient for case in cases] == ["ID_0a1b2c3d"] * 2
    assert all(case.load().notes == () for case in cases)


def test_hemseg_without_the_list_of_patients_says_so(tmp_path):
    make_hemseg(tmp_path)
    cases = hemseg.find(tmp_path, as_class="IPH").cases
    assert len({case.patient for case in cases}) == 2
    assert all("patient unknown" in case.load().notes[0] for case in cases)
    (tmp_path / "annotion_file_info.jsonl").write_text('{"patient": 1}\n')
    assert "line 1" in told(hemseg.find, tmp_path, as_class="IPH")


def test_hemseg_200_lies_within_500_and_counts_once(tmp_path):
    """HemSeg-200 is a part of HemSeg-500."""
    make_hemseg(tmp_path)
    for kind, voxels in (("label", lesion()), ("image", head())):
        write(tmp_path / f"IPH_IVH_label/train/{kind}/07299832a8.nii.gz", voxels)
    found = hemseg.find(tmp_path, as_class="IPH")
    assert len(found.cases) == 2 and "twice" in found.left_out[0].reason


# MBH-Seg25


def test_mbh_majority_of_raters_whose_numbers_have_gaps(tmp_path):
    """One to four raters, numbers not contiguous; more than half decides."""
    root, first = make_mbh(tmp_path), lesion(value=0)
    first[5:8, 5, 1] = [1, 2, 3]
    second, third = first.copy(), lesion(value=0)
    second[6, 5, 1], third[5, 5, 1], third[9, 9, 2] = 5, 1, 4
    for k, mask in zip((1, 2, 5), (first, second, third), strict=True):
        write(root / A / f"label_annot_{k}.nii.gz", mask)
    for name in ("label_consensus_staple", "label_uncertainty"):
        write(root / A / f"{name}.nii.gz", head())
    expected = lesion(value=0)
    expected[5, 5, 1], expected[7, 5, 1] = LABELS["EDH"], LABELS["IVH"]
    series = mbh_seg25.find(tmp_path).cases[0].load()
    assert np.array_equal(series.labels, display(expected))
    assert series.notes == ("majority of 3 raters",)


def test_mbh_two_raters_must_agree_and_one_is_enough(tmp_path):
    """A tie is background."""
    root = make_mbh(tmp_path / "two", (2, 4))
    write(root / A / "label_annot_4.nii.gz", lesion(value=2))
    assert not mbh_seg25.find(tmp_path / "two").cases[0].load().labels.any()
    make_mbh(tmp_path / "one", (3,))
    series = mbh_seg25.find(tmp_path / "one").cases[0].load()
    assert series.labels.any() and series.notes == ("one rater",)


def test_mbh_scan_labels_are_left_out_and_a_scan_without_raters_is_refused(tmp_path):
    """The case-label folder has no masks."""
    make_mbh(tmp_path)
    write(tmp_path / f"MBH_Train_2025_case-label/{B}.nii.gz", head())
    write(tmp_path / f"MBH_Train_2025_voxel-label/{B}/image.nii.gz", head())
    found = mbh_seg25.find(tmp_path)
    assert len(found.cases) == len(found.refused) == 1
    assert [item.reason for item in found.left_out] == ["is a scan without a mask"]


def test_one_person_has_one_name_in_all_sets_drawn_from_rsna(tmp_path):
    """BHSD, MBH-Seg25 and HemSeg share patients and studies."""
    make_bhsd(tmp_path / "b", (A,))
    make_mbh(tmp_path / "m")
    make_hemseg(tmp_path / "h", scans=(("train", "0123456789"),))
    line = {"patient": "ID_0a1b2c3d", "scan_": "0123456789", "slice_list": []}
    (tmp_path / "h/annotion_file_info.jsonl").write_text(json.dumps(line))
    found = [bhsd.find(tmp_path / "b"), mbh_seg25.find(tmp_path / "m")]
    found.append(hemseg.find(tmp_path / "h", as_class="IPH"))
    assert {(f.cases[0].patient, f.cases[0].series) for f in found} == {
        ("ID_0a1b2c3d", "ID_0123456789")
    }


def test_equal_numbers_of_different_sets_are_different_people(tmp_path):
    root = make_instance(tmp_path / "i")
    for kind in ("data", "label"):
        (root / f"{kind}/001.nii.gz").rename(root / f"{kind}/049.nii.gz")
    make_ct_ich(tmp_path / "c")
    numbers = {case.patient for case in instance22.find(tmp_path / "i", as_class="IPH").cases}
    assert not numbers & {case.patient for case in ct_ich.find(tmp_path / "c").cases}


def test_reasons_and_notes_hold_no_name(tmp_path):
    """What is stored in a report names nobody and no file."""
    make_ct_ich(tmp_path / "c")
    make_mbh(tmp_path / "m", ())
    for module in (ct_ich, mbh_seg25):
        found = module.find(tmp_path)
        texts = [one.reason for one in (*found.refused, *found.left_out)]
        texts += [note for case in found.cases for note in case.load().notes]
        assert not [text for text in texts if "/" in text or "049" in text or "ID_0" in text]
