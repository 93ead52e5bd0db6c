"""`lcgan ingest` on a mixed folder, and what a run on it leaves behind: nobody's name."""

import inspect
import json
import os
import shlex
import sys

import numpy as np
import pandas as pd
import pytest

from lcgan_core import cli
from lcgan_core.cohort.store import SliceStore
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.protocol import methods

from .conftest import BORN, IDENTITY, NAME
from .dicom_files import make_scan, some_labels
from .test_pictures import head as picture_head
from .test_pictures import write as write_pictures
from .test_public_sets import make_bhsd, make_instance
from .volumes import head as nifti_head
from .volumes import lesion as nifti_lesion
from .volumes import write as write_nifti

FOLDER = "DOE^JANE"
PHI = {
    "PatientName": NAME,
    "PatientBirthDate": BORN,
    "StudyDate": "19011210",
    "AccessionNumber": "ACC-0815",
    "InstitutionName": "Wuerzburg General",
    "StudyDescription": "Anna Bertha hand",
    "OtherPatientIDs": "NHS-99",
}


def head(seed=0):
    """HU of six slices: air around brain."""
    hu = np.random.default_rng(seed).normal(35, 5, (6, 20, 24)).round().astype(int)
    hu[:, :4] = hu[:, -4:] = -1000
    return hu


@pytest.fixture
def lcgan(monkeypatch, tmp_path, capfd):
    """Run the command line in this process; returns exit code (or sentence), stdout and stderr."""
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lcgan", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture
def mixed(tmp_path):
    """Two good patients with everything that hospitals put beside them."""
    source = tmp_path / "in"
    for k in (1, 2):
        patient = {**PHI, "PatientID": f"{IDENTITY}-{k}", "RescaleIntercept": 0, "RescaleSlope": 1}
        scan = make_scan(
            source / f"{FOLDER} {k}" / "CT", hu=head(k), PixelRepresentation=1, **patient
        )
        labels = np.zeros((6, 20, 24), np.uint8)
        labels[2:4, 8:12, 6:12] = k
        scan.write_mask(labels)
        for name, changes in {
            "scout": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
            "mr": {"Modality": "MR"},
        }.items():
            make_scan(
                source / f"{FOLDER} {k}" / name,
                hu=head(9)[:1],
                heights=[0.0],
                **(patient | changes),
            )
    broken = make_scan(source / f"{FOLDER} 3", hu=head(3), **{**PHI, "PatientID": f"{IDENTITY}-3"})
    broken.write_mask(some_labels((6, 20, 24)))
    broken.paths[2].write_bytes(broken.paths[2].read_bytes()[:900])
    (source / "labels.json").write_text(json.dumps(dict(enumerate(HEMORRHAGES, start=1))))
    (source / "letter.pdf").write_bytes(b"%PDF-1.4 " + NAME.encode())
    return source


def secrets(source):
    told = {*PHI.values(), IDENTITY, FOLDER, "DOE", "ROENTGEN", str(source)}
    return [text.encode() for text in told]


def assert_nobody_is_named(folder, source):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert paths
    for path in paths:
        content = path.read_bytes()
        found = [text for text in secrets(source) if text in content or text in bytes(path)]
        assert not found, (path, found)


def test_a_mixed_folder_gives_its_good_series_a_report_and_exit_code_3(lcgan, mixed, tmp_path):
    store = tmp_path / "store"
    code, out, err = lcgan("ingest", mixed, "--out", store, "--size", "64")
    assert code == 3
    report = pd.read_csv(store / "report.csv")
    assert report.status.value_counts().to_dict() == {"taken": 2, "refused": 3, "left out": 4}
    made = SliceStore.open(store)
    assert len(made.slices) == 12 and made.slices.patient.nunique() == 2
    assert sorted(np.unique(made.labels)) == [0, 1, 2]
    assert "2" in out and str(store / "contact_sheet.png") in out and "LOCALIZER" not in out
    for part in (f"{FOLDER} 3", "MR", "--allow-refused"):
        assert part in err, "the terminal names the file, the store does not"
    assert all(len(line) < 400 for line in err.splitlines())

    again = lcgan("ingest", mixed, "--out", store, "--size", "64", "--allow-refused")
    assert again[0] == 0 and again[1] == out, "a finished store is left as it is"


def test_nobody_is_named_in_the_store_nor_in_a_run_on_it(lcgan, mixed, tmp_path):
    store = tmp_path / "store"
    lcgan("ingest", mixed, "--out", store, "--size", "64")
    assert_nobody_is_named(store, mixed)
    assert (tmp_path / "salt").read_bytes() not in b"".join(
        path.read_bytes() for path in store.iterdir()
    )
    assert lcgan("run", "cohort", "--cohort", store, "--set", "image_size=64")[0] == 0
    assert_nobody_is_named(tmp_path / "runs", mixed)


def test_a_folder_with_refusals_is_no_cohort_until_they_are_allowed(lcgan, mixed, tmp_path):
    said, _, err = lcgan("run", "cohort", "--cohort", mixed, "--set", "image_size=64")
    assert "3 series or files" in said and "--allow-refused" in said and err == ""
    assert not list((tmp_path / "runs").rglob("*.npy"))


def test_dicom_is_read_as_a_cohort_without_ingesting_first(lcgan, mixed, tmp_path):
    for name in (f"{FOLDER} 3", f"{FOLDER} 1/mr", f"{FOLDER} 2/mr"):
        for path in (mixed / name).iterdir():
            path.unlink()
    assert lcgan("run", "cohort", "--cohort", mixed, "--set", "image_size=64")[0] == 0
    assert_nobody_is_named(tmp_path / "runs", mixed)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--format", "dicon"), "Unknown format 'dicon'; allowed: dicom, nifti, png, ct-ich"),
        (("--size", "100"), "--size 100 is not one of 64, 128, 256, 512"),
        (("--as", "IPH"), "Format 'dicom' takes no --as"),
        (("--format", "nifti"), "Format 'nifti' needs --images"),
        (("--labels", "1:IPH"), "write it as 1=EDH,2=IPH"),
        (("--labels", "1=ICH"), "ICH"),
        (("--labels", "1=PHE,2=IPH"), '"PHE:perihaematomal oedema"'),
        (("--labels", "1=P-E:oedema,2=IPH"), "letters, digits and _"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(lcgan, mixed, tmp_path, options, sentence):
    said, out, err = lcgan("ingest", mixed, "--out", tmp_path / "store", *options)
    assert sentence in said and "\n" not in said and out == err == ""
    assert not (tmp_path / "store").exists()


def test_a_folder_that_holds_something_else_is_not_overwritten(lcgan, mixed, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("years of work")
    said = lcgan("ingest", mixed, "--out", tmp_path / "store")[0]
    assert "holds something else" in said
    assert (tmp_path / "store" / "thesis.txt").read_text() == "years of work"


def test_an_archive_is_never_opened(lcgan, tmp_path):
    (tmp_path / "bhsd.zip").write_bytes(b"PK\3\4")
    said = lcgan("ingest", tmp_path / "bhsd.zip", "--out", tmp_path / "store")[0]
    assert "unpack it first" in said


def test_stores_are_joined_and_the_patient_of_both_stays_one(lcgan, mixed, tmp_path):
    for name in ("a", "b"):
        lcgan("ingest", mixed, "--out", tmp_path / name, "--size", "64")
    code, out, _ = lcgan("join", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "both")
    assert code == 0 and "2 pairs of shared patients" in out
    assert SliceStore.open(tmp_path / "both").slices.patient.nunique() == 2


@pytest.mark.parametrize("form", ["", "bhsd"])
def test_a_public_set_is_recognised_or_named(lcgan, tmp_path, form):
    make_bhsd(tmp_path / "download" / "label_192")
    options = ("--format", form) if form else ()
    code, out, err = lcgan("ingest", tmp_path / "download", "--out", tmp_path / "store", *options)
    assert code == 0 and err == ""
    assert SliceStore.open(tmp_path / "store").slices.patient.nunique() == 2
    assert "ID_" not in out + (tmp_path / "store" / "report.csv").read_text()


def test_a_binary_set_asks_what_it_shows_and_takes_it(lcgan, tmp_path):
    make_instance(tmp_path / "download")
    source = tmp_path / "download"
    asked, _, _ = lcgan("ingest", source, "--out", tmp_path / "store")
    assert "--as CLASS" in asked and "--classes FILE.csv" in asked
    code, _, _ = lcgan("ingest", source, "--out", tmp_path / "store", "--as", "SAH")
    assert code == 0
    assert set(np.unique(SliceStore.open(tmp_path / "store").labels)) == {0, 3}


def test_a_changed_table_of_classes_makes_another_store(lcgan, tmp_path):
    """It lies outside the folder of the scans; what counts is what it says, not its name."""
    make_instance(tmp_path / "download")
    table, again = tmp_path / "mine.csv", tmp_path / "copy.csv"
    table.write_text("scan,class\n1,EDH\n2,SDH\n")
    again.write_bytes(table.read_bytes())

    def ingest(classes, store="store"):
        return lcgan(
            "ingest", tmp_path / "download", "--out", tmp_path / store, "--classes", classes
        )

    assert ingest(table)[0] == ingest(again)[0] == 0
    was = table.stat()
    table.write_text("scan,class\n1,SDH\n2,EDH\n")
    os.utime(table, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert "holds something else" in ingest(table)[0]
    assert ingest(table, "other")[0] == 0
    first, second = (SliceStore.open(tmp_path / name).labels[:] for name in ("store", "other"))
    assert np.array_equal(first > 0, second > 0) and (first != second)[first > 0].all()


@pytest.mark.parametrize("name", ["in\nput", "in\tput\x1b[2J", "in\u2028put"])
def test_a_sentence_about_an_odd_path_stays_one_line(lcgan, tmp_path, name):
    said, _, err = lcgan("ingest", tmp_path / name, "--out", tmp_path / "store")
    assert said.isprintable() and repr(name)[1:-1] in said and err == ""
    scan = make_scan(tmp_path / name / "a", hu=head())
    scan.write_mask(np.zeros((6, 20, 24), np.uint8))
    make_scan(tmp_path / name / "b", hu=head(1), PatientID="another")
    (tmp_path / name / "labels.json").write_text('{"1": "SDH"}')
    code, out, err = lcgan("ingest", tmp_path / name, "--out", tmp_path / f"{name} store")
    assert f"Made {tmp_path}/{repr(name)[1:-1]} store; " in out
    assert code == 3 and f"{repr(name)[1:-1]}/b has a CT series without a mask" in err
    assert len(err.splitlines()) == 2


def test_the_label_map_decides_which_classes_a_store_has(lcgan, mixed, tmp_path):
    labels = "1=PHE:perihaematomal oedema,2=IPH,3=,4=,5="
    options = ("--size", "64", "--labels", labels, "--allow-refused")
    code, out, _ = lcgan("ingest", mixed, "--out", tmp_path / "store", *options)
    assert code == 0
    said = {line.split()[0]: " ".join(line.split()[1:5]) for line in out.splitlines() if line}
    assert said["PHE"] == said["IPH"] == "1 series, 2 slices," and "SAH" not in said
    store = SliceStore.open(tmp_path / "store")
    assert store.classes.names == ("PHE", "IPH") and set(np.unique(store.labels)) == {0, 1, 2}
    (tmp_path / "map.json").write_text(json.dumps({"1": "PHE:perihaematomal oedema", "2": "IPH"}))
    options = ("--size", "64", "--labels", tmp_path / "map.json", "--allow-refused")
    lcgan("ingest", mixed, "--out", tmp_path / "again", *options)
    for name in ("labels.npy", "slices.csv"):
        first, second = (tmp_path / folder / name for folder in ("store", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_stores_of_other_classes_are_not_joined(lcgan, mixed, tmp_path):
    for name, labels in (("a", "1=PHE:oedema,2=IPH"), ("b", "1=EDH,2=IPH")):
        options = ("--size", "64", "--labels", labels, "--allow-refused")
        lcgan("ingest", mixed, "--out", tmp_path / name, *options)
    said, _, _ = lcgan("join", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "both")
    assert "PHE:oedema, IPH:intraparenchymal, but" in said and "SDH:subdural" in said
    assert not (tmp_path / "both").exists()


def test_a_binary_mask_may_show_a_class_of_ones_own(lcgan, tmp_path):
    make_instance(tmp_path / "download")
    options = ("--out", tmp_path / "store", "--as", "PHE:perihaematomal oedema")
    assert lcgan("ingest", tmp_path / "download", *options)[0] == 0
    store = SliceStore.open(tmp_path / "store")
    assert store.classes.names == ("PHE",) and set(np.unique(store.labels)) == {0, 1}


def pictures(folder):
    """Two patients as windowed pictures with masks beside them."""
    for k in (1, 2):
        grey = np.rint(picture_head(k).clip(0, 80) / 80 * 255).astype(np.uint8)
        mask = np.zeros(grey.shape, np.uint8)
        mask[4:7, 26:34, 20:27] = 1
        grey[mask > 0] = 220
        write_pictures(
            folder, grey, mask, images=f"images/p{k}/{{}}.png", masks=f"masks/p{k}/{{}}.png"
        )


def volumes(folder):
    for k in (1, 2):
        hu, mask = nifti_head(k), nifti_lesion(value=2)
        hu[mask > 0] = 75
        write_nifti(folder / f"p{k}/1_ct.nii.gz", hu)
        write_nifti(folder / f"p{k}/1_seg.nii.gz", mask)


@pytest.mark.parametrize(("make", "form"), [(pictures, "png"), (volumes, "nifti")])
def test_a_folder_that_needs_options_names_the_command_that_makes_a_store(
    lcgan, tmp_path, make, form
):
    """The command works as it stands where the files are called as in it."""
    source = tmp_path / "it's mine"
    make(source)
    (source / "read me.txt").write_text("")
    said, _, err = lcgan("run", "cohort", "--cohort", source, "--set", "image_size=64")
    assert said.count("`") == 2 and err == "" and "use STORE as the cohort" in said
    program, *asked = shlex.split(said.split("`")[1])
    assert program == "lcgan" and asked[asked.index("--format") + 1] == form
    asked = [str(tmp_path / "store") if part == "STORE" else part for part in asked]
    assert lcgan(*asked, "--size", "64")[0] == 0
    assert SliceStore.open(tmp_path / "store").slices.patient.nunique() == 2
    assert lcgan("run", "cohort", "--cohort", tmp_path / "store", "--set", "image_size=64")[0] == 0
    assert lcgan("ingest", source, "--out", tmp_path / "b")[0] == said


@pytest.mark.parametrize("form", methods.FORMATS)
def test_a_reader_asks_for_nothing_that_the_command_line_cannot_say(form):
    takes = set(inspect.signature(methods.load(methods.FORMATS[form])).parameters)
    assert takes - {"source", "parallel"} <= {
        "labels",
        "as_class",
        "class_table",
        "images",
        "masks",
        "window",
        "spacing",
    }
