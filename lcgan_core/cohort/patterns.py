"""Files found by patterns such as "{patient}/{scan}_ct.nii.gz", images paired with their masks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from lcgan_core.errors import UserError

PLACEHOLDER = re.compile(r"\{(\w*)\}")
PARTS = {"patient": "[^/]+?", "scan": "[^/]+?", "slice": "[0-9]+"}
"""What each placeholder stands for, in the order in which a file is known by them."""
Key = tuple[str, ...]


class Matched(NamedTuple):
    """Images and masks by what the placeholders stand for: patient, scan and slice if there."""

    images: dict[Key, Path]
    masks: dict[Key, Path]


def matched(
    source: Path, files: list[Path], images: str, masks: str, needed: Key, example: str
) -> Matched:
    """The files below `source` that two patterns match; a mask is never an image as well.

    needed: placeholders that the patterns must have; {scan} is optional. example: a pattern for
    the sentence that asks for another one. Raises UserError for patterns that cannot pair or match
    nothing.
    """
    if images == masks or {*PLACEHOLDER.findall(images)} != {*PLACEHOLDER.findall(masks)}:
        raise UserError(
            f'"{images}" and "{masks}" cannot tell an image from its mask; give two patterns with '
            "the same placeholders."
        )
    drawn = _matching(source, files, masks, needed, example)
    others = set(drawn.values())
    left = [path for path in files if path not in others]
    taken = _matching(source, left, images, needed, example)
    for pattern, found in ((images, taken), (masks, drawn)):
        if not found:
            raise UserError(
                f'No file in {source} matches "{pattern}"; write the pattern from that folder on, '
                f'as in "{example}".'
            )
    return Matched(taken, drawn)


def _matching(
    source: Path, files: list[Path], pattern: str, needed: Key, example: str
) -> dict[Key, Path]:
    names = PLACEHOLDER.findall(pattern)
    if not set(needed) <= set(names) <= {*needed, "scan"}:
        spoken = " and ".join(f"{{{name}}}" for name in needed)
        raise UserError(
            f'The pattern "{pattern}" needs {spoken} and may have {{scan}}, and nothing else in '
            f'braces; write it as in "{example}".'
        )
    expression, seen = "", set[str]()
    for k, part in enumerate(PLACEHOLDER.split(pattern)):
        if k % 2 == 0:
            expression += re.escape(part)
        else:
            expression += f"(?P={part})" if part in seen else f"(?P<{part}>{PARTS[part]})"
            seen.add(part)
    found = {}
    for path in files:
        match = re.fullmatch(expression, path.relative_to(source).as_posix())
        if match:
            found[tuple(match[name] for name in PARTS if name in seen)] = path
    return found
