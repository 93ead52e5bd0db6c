"""The commands that write data for others: phantom, model, paint, export, predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import Config
from lcgan_core.run.overrides import overrides
from lcgan_core.run.plan import Job

Profile = Annotated[
    str, typer.Option(help=f"One of {', '.join(profiles.names())}, or the path of a .yaml file.")
]
Cohort = Annotated[
    str, typer.Option(help="Folder of head CTs or a slice store; default: in silico.")
]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one setting, as in lcgan_width=4; may be repeated."),
]
Fraction = Annotated[float, typer.Option(help="Fraction of the patients.")]
Draw = Annotated[int, typer.Option(help="Which draw of patients and seeds.")]
SegmenterName = Annotated[
    str, typer.Option(help=f"One of {', '.join(methods.SEGMENTERS)}; default: the profile's first.")
]
Out = Annotated[Path, typer.Option(help="Folder to make.")]
Form = Annotated[str, typer.Option("--as", help="nifti, png, dicom, nnunet or store.")]
PEOPLE = (
    "lcgan: this network was trained on scans of people and may repeat parts of them; handle {out} "
    "like the scans themselves."
)


def model(
    out: Out,
    profile: Profile = "quick",
    cohort: Cohort = "",
    fraction: Fraction = 1.0,
    generator: Annotated[
        str, typer.Option(help=f"One of {', '.join(methods.GENERATORS)}.")
    ] = "lcgan",
    epoch: Annotated[
        int | None, typer.Option(help="Which candidate; default: the one that was chosen.")
    ] = None,
    arm: Annotated[
        str, typer.Option(help="Take the segmenter of this arm instead of a generator.")
    ] = "",
    segmenter: SegmenterName = "",
    draw: Draw = 1,
    preview: Annotated[
        bool, typer.Option(help="Also show slices of a network trained on people.")
    ] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write model.onnx.")] = False,
    numbers: Numbers = None,
) -> None:
    """Write a trained network with all that has to be known to use it, and a card."""
    config, own = _asked(profile, cohort, fraction, draw, numbers)
    from lcgan_core.takeaway import model as models

    out = out.expanduser()
    if arm:
        people = models.segmenter(config, _arm(config, own, arm, segmenter), out)
    else:
        profiles.check_method(generator, methods.GENERATORS, "generator")
        job = Job("selection", generator, own["fraction"], own["draw"])
        people = models.generator(config, job, out, epoch, preview)
        if onnx:
            from lcgan_core.synthesis.portable import export

            export(out)
    if people:
        print(PEOPLE.format(out=out), file=sys.stderr)
    print(f"Made {out}; its README.md says what it is.")


def paint(
    masks: Annotated[Path, typer.Argument(help="Slice store, or NIfTI, DICOM SEG or PNG masks.")],
    model: Annotated[Path, typer.Option(help="A folder that `lcgan model` made.")],
    out: Out,
    count: Annotated[
        int, typer.Option(help="How many slices; default: one for each mask with a lesion.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same slices.")] = 1,
    moved: Annotated[
        bool, typer.Option("--moved", help="Shift, scale and bend the masks at random.")
    ] = False,
    form: Form = "nifti",
    pattern: Annotated[
        str, typer.Option("--masks", help='Which files are masks: "{patient}_seg.nii.gz".')
    ] = "",
    labels: Annotated[
        str, typer.Option(help="What the masks' labels mean: 1=EDH,2=IPH, or a JSON file.")
    ] = "",
    spacing: Annotated[
        str, typer.Option(help="PNG: mm from pixel to pixel and slice to slice, as in 0.45/5.")
    ] = "",
) -> None:
    """Paint synthetic slices around masks, which need no images; resumes if interrupted."""
    from lcgan_core.synthesis.painter import Painter
    from lcgan_core.takeaway.paint import Asked, outside, paint

    asked = Asked(
        masks.expanduser(), model.expanduser(), out.expanduser(),
        form, count, seed, moved, labels, pattern, spacing,
    )  # fmt: skip
    made = paint(asked)
    if sentence := outside(asked.out):
        print(f"lcgan: {sentence}", file=sys.stderr)
    if Painter.from_pretrained(asked.model).description.trained.people:
        print(PEOPLE.format(out=asked.out), file=sys.stderr)
    print(f"Made {made} slices in {asked.out}; synthetic.csv lists them.")


def export(
    out: Out,
    store: Annotated[
        Path | None, typer.Argument(help="A slice store; without one, the slices of an arm.")
    ] = None,
    profile: Profile = "quick",
    cohort: Cohort = "",
    fraction: Fraction = 1.0,
    arm: Annotated[str, typer.Option(help=f"One of {', '.join(ARMS)}.")] = "both",
    draw: Draw = 1,
    form: Form = "nifti",
    numbers: Numbers = None,
) -> None:
    """Write a slice store, or what an arm trains on and is tested on, for other programs."""
    out = out.expanduser()
    if store is not None:
        from lcgan_core.takeaway import export as exports

        made = exports.whole(store.expanduser(), form, out)
    else:
        config, own = _asked(profile, cohort, fraction, draw, numbers)
        job = _arm(config, own, arm, "")
        from lcgan_core.takeaway import export as exports

        made = exports.arm(config, job, form, out)
    print(f"Made {made} cases in {out}; cases.csv lists them." if made else f"{out} was finished.")


def predict(
    scans: Annotated[Path, typer.Argument(help="Folder of head CTs as DICOM or NIfTI.")],
    out: Out,
    model: Annotated[
        Path | None, typer.Option(help="A segmenter that `lcgan model --arm` made.")
    ] = None,
    profile: Profile = "quick",
    cohort: Cohort = "",
    fraction: Fraction = 1.0,
    arm: Annotated[str, typer.Option(help=f"One of {', '.join(ARMS)}.")] = "both",
    segmenter: SegmenterName = "",
    draw: Draw = 1,
    form: Annotated[str, typer.Option("--as", help="nifti or dicom.")] = "nifti",
    numbers: Numbers = None,
) -> None:
    """Outline lesions on scans without masks, not for diagnosis; exit code 3 if one is refused."""
    from lcgan_core.synthesis.outliner import Outliner
    from lcgan_core.takeaway.predict import predict

    def trained() -> Outliner:
        if model is not None:
            return Outliner.from_pretrained(model)
        from lcgan_core.takeaway import made

        return Outliner(*made.segmenter(config, job)[:2])

    if model is None:
        config, own = _asked(profile, cohort, fraction, draw, numbers)
        job = _arm(config, own, arm, segmenter)
    out = out.expanduser()
    done, refused = predict(scans.expanduser(), trained, out, form)
    print(f"Made masks of {done} scans in {out}. Research only, not for diagnosis.")
    if refused:
        raise typer.Exit(3)


def phantom(
    out: Annotated[Path, typer.Option(help="Folder to write the patients to.")],
    patients: Annotated[int, typer.Option(help="How many patients.")] = 36,
    seed: Annotated[int, typer.Option(help="The same seed gives the same cohort.")] = 2020,
    matrix: Annotated[int, typer.Option(help="Rows and columns of a slice.")] = 512,
    slices: Annotated[int, typer.Option(help="Slices per patient.")] = 32,
    seg: Annotated[
        bool, typer.Option("--seg", help="Write the masks as DICOM SEG instead of NIfTI.")
    ] = False,
    annotator_mm: Annotated[
        float, typer.Option(min=0, max=10, help="SD in mm of the hand that draws the masks.")
    ] = 0.0,
) -> None:
    """Write in-silico patients: CT as DICOM with masks, as a scanner and an annotator would."""
    from lcgan_core.cohort.workers import cores, workers
    from lcgan_core.phantom import write_cohort

    out = out.expanduser()
    with workers(cores()) as parallel:
        write_cohort(out, patients, seed, matrix, slices, parallel, seg, annotator_mm)
    for mask in out.glob("*/labels_seg.dcm") if seg else ():
        mask.with_name("labels.nii.gz").unlink(missing_ok=True)
    print(f"Made {patients} patients in {out}.")


ALL = (phantom, model, paint, export, predict)


def _asked(
    profile: str, cohort: str, fraction: float, draw: int, numbers: list[str] | None
) -> tuple[Config, dict[str, Any]]:
    config = profiles.load(profile, **{"cohort": cohort, **overrides(numbers or [])})
    own = {"fraction": profiles.check_fraction(config, fraction), "draw": profiles.check_draw(draw)}
    return config, own


def _arm(config: Config, own: dict[str, Any], arm: str, segmenter: str) -> Job:
    profiles.check_arm(arm)
    name = profiles.check_method(segmenter or config.segmenters[0], methods.SEGMENTERS, "segmenter")
    return Job("segmentation", arm, own["fraction"], own["draw"], name)
