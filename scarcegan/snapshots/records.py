"""A snapshot beside the one before it, for the data report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scarcegan.data.records import FeatureMove
from scarcegan.records import Record


@dataclass(frozen=True)
class SnapshotReport(Record):
    """What the snapshot trained on is, and how its features have moved since the previous one, the most moved first.

    `missing_days` are ISO dates that are missing for everyone; `quiet_days` the mean days of the window without play by
    population, empty where not known. The name and cut-off (ISO date) of the previous snapshot are empty without one.
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
