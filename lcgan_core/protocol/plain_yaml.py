"""YAML from a user: plain data, without aliases, of which a few lines may stand for gigabytes."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it has an alias (*), write out what it stands for")
        return super().compose_node(parent, index)


def read(text: str) -> Any:
    """What a text says; ValueError, whose text is the reason in one line.

    >>> read("[0.25, 1]")
    [0.25, 1]
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError((str(error) or "no YAML").splitlines()[0]) from None
