"""The generators that a bundle carries: models of simulated heads, as `lcgan model` writes them.

`weights/FRACTION/` of a bundle is a model in half precision with its card, and opens with
`Painter.from_pretrained`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from torch import Tensor

from lcgan_core.book.contents import Bundle
from lcgan_core.errors import UserError
from lcgan_core.generators.lcgan import generator
from lcgan_core.protocol.config import IN_SILICO, Config
from lcgan_core.run import plan
from lcgan_core.run.plan import Job
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import Description
from lcgan_core.takeaway import model
from lcgan_core.training import checkpoint

FOLDER = "weights"
MOST = 8_000_000
"""Bytes of all models of a bundle: it is committed."""
LCGAN = "lcgan"


def collect(config: Config, folder: Path) -> None:
    """Write the generator that painted for the arm `gan` at each fraction, in the first draw.

    Raises UserError for scans of people and for more than MOST bytes.
    """
    if config.cohort_name != IN_SILICO:
        raise UserError(
            "Generators of scans of people are not published: they may repeat parts of them; leave "
            "--weights out."
        )
    for fraction in config.fractions:
        chosen = plan.inputs(config, Job("augmentation", "gan", fraction))["selection"]
        model.halved(config, chosen, folder / f"{fraction:g}")
    size = sum(path.stat().st_size for path in folder.rglob("*"))
    if size > MOST:
        raise UserError(
            f"The generators have {size / 1e6:.1f} MB, of which at most {MOST / 1e6:g} may be "
            "published; leave --weights out, or train narrower ones (lcgan_width)."
        )


def folders(bundle: Bundle) -> list[Path]:
    """The models of a bundle, that of the smallest fraction first; none of scans of people."""
    if bundle.facts["cohort"] != IN_SILICO or not bundle.pictures:
        return []
    names = {name.split("/")[1] for name in bundle.record["files"] if name.startswith(FOLDER + "/")}
    return [bundle.folder / FOLDER / name for name in sorted(names, key=float)]


def read(folder: Path) -> tuple[Description, dict[str, Tensor]]:
    """A model of LcGAN and its tensors in half precision, by the names of `models.Generator`.

    Raises UserError for another model, and for weights that are not of the network described.
    """
    told = description.read(folder)
    if told.method != LCGAN:
        raise UserError(f"{folder} is of {told.method}, not of LcGAN; publish the run again.")
    network = generator(told.config.lcgan, told.size, len(told.lesions))
    checkpoint.load(folder / f"generator-{told.candidate}.safetensors", {"generator": network})
    return told, {name: tensor.half().cpu() for name, tensor in network.state_dict().items()}


def script(folder: Path) -> str:
    """The weights as JavaScript: a page that was opened from a folder may load nothing else."""
    tensors = read(folder)[1]
    names = [[name, list(tensor.shape)] for name, tensor in tensors.items()]
    halves = np.concatenate([tensor.numpy().ravel() for tensor in tensors.values()])
    text = base64.b64encode(halves.astype("<f2").tobytes()).decode()
    told = json.dumps({"names": names, "half": text})
    return f"playgroundWeights[{json.dumps(folder.name)}] = {told};\n"
