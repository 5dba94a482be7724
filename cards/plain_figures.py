"""Intervals that still come as dicts, written as people read them; goes when the cards take records."""

from collections.abc import Mapping
from typing import Any

from scarcegan import words


class _Interval:
    def __init__(self, found: Mapping[str, Any]) -> None:
        self.value, self.low, self.high = float(found["value"]), float(found["low"]), float(found["high"])


def interval(metric: str, found: Mapping[str, Any] | None) -> str:
    """Write {"value", "low", "high"} of a metric."""
    return words.interval(metric, _Interval(found) if found else None)


def share_interval(found: Mapping[str, Any] | None) -> str:
    """Write {"value", "low", "high"} of a share."""
    return interval("recall", found)
