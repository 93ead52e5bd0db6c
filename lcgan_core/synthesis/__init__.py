"""Trained networks to take away: `Painter` paints slices around masks, `Outliner` outlines lesions.

Both know everything from the folder that `lcgan model` writes; no setting is typed in again.
"""

from lcgan_core.synthesis.outliner import Outliner
from lcgan_core.synthesis.painter import Painter

__all__ = ["Outliner", "Painter"]
