"""The networks of the paper: pure tensors in, tensors out."""

from lcgan_core.models.discriminator import Discriminator
from lcgan_core.models.fcn8s import FCN8s
from lcgan_core.models.generator import Generator
from lcgan_core.models.realism import RealismClassifier
from lcgan_core.models.vgg16_weights import load_vgg16

__all__ = ["FCN8s", "Discriminator", "Generator", "RealismClassifier", "load_vgg16"]
