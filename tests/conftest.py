"""What all tests share: the order in which they start, and no deadline for any example."""

import pytest
from hypothesis import HealthCheck, settings

# a loaded or slow machine is no error
settings.register_profile("lcgan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lcgan")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that none is left over when all others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
