"""What all tests share: the order in which they start."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that none is left over when all others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
