"""Libraries kept from quoting a patient's values on the terminal or in a log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pydicom.config


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings and log lines of pydicom, and without its checks of values we do not use."""
    log = logging.getLogger("pydicom")
    was = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = was
