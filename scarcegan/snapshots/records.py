"""A snapshot beside the one before it, for the data report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scarcegan.data.records import FeatureMove
from scarcegan.records import Record


@dataclass(frozen=True)
class SnapshotReport(Record):
    """What the snapshot trained on is, and how its features have moved since the previous one.

    Attributes:
        missing_days: ISO dates that are missing for everyone.
        quiet_days: population -> mean days of the window without play; empty where not known.
        previous: name of the snapshot before it; empty without one.
        previous_cutoff: its cut-off, ISO date.
        moves: the most moved feature first; none without a previous snapshot.
    """

    name: str
    fingerprint: str
    code_version: str
    source: str
    window_days: int
    missing_days: Sequence[str]
    quiet_days: Mapping[str, float]
    previous: str
    previous_cutoff: str
    moves: Sequence[FeatureMove]
