"""The networks of the paper: pure tensors in, tensors out."""

from typing import TYPE_CHECKING, Any

from lcgan_core.models.discriminator import Discriminator
from lcgan_core.models.fcn8s import FCN8s
from lcgan_core.models.generator import Generator
from lcgan_core.models.vgg16_weights import load_vgg16

if TYPE_CHECKING:
    from lcgan_core.models.realism import RealismClassifier

__all__ = ["FCN8s", "Discriminator", "Generator", "RealismClassifier", "load_vgg16"]


def __getattr__(name: str) -> Any:
    # torchvision takes longer to import than all the rest, and each of a run's many jobs would
    # wait for it; only the realism classifier needs it
    if name == "RealismClassifier":
        from lcgan_core.models.realism import RealismClassifier

        return RealismClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
