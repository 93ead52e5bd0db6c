"""The values of a file's header by keyword; those that recur in a series are parsed once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.tag import BaseTag, Tag

CONTEXT = {
    "PatientID", "ConvolutionKernel", "RescaleType", "PixelPaddingValue", "PixelPaddingRangeLimit",
}  # fmt: skip
"""What cannot be parsed without the rest of the header: its character set, signed or unsigned."""
REMEMBERED = 1000
"""Values, of few series: their files come one after another."""


class Values:
    """What a header says; parsing a value takes longer than reading the file around it."""

    def __init__(self, item: pydicom.Dataset):
        self.item = item

    def get(self, name: str) -> Any:
        """The value of a keyword, None where there is none; a damaged one raises as in pydicom."""
        if name in CONTEXT:
            return self.item.get(name)
        raw: Any = self.item.get_item(_tag(name))
        if isinstance(raw, RawDataElement):
            return _parsed(raw._replace(value_tell=0))  # the place in the file
        return None if raw is None else raw.value


@lru_cache(None)
def _tag(name: str) -> BaseTag:
    return Tag(name)


@lru_cache(REMEMBERED)
def _parsed(raw: RawDataElement) -> Any:
    return convert_raw_data_element(raw).value


def values_of(item: Values, name: str) -> list:
    """An attribute's values: none, one or several."""
    value = item.get(name)
    if value is None or isinstance(value, (str, float, int)):
        return [value] if value not in (None, "") else []
    return list(value)
