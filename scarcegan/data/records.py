"""What a run was trained on, in numbers: the data report."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from scarcegan.data.columns import Column
from scarcegan.records import Record
from scarcegan.settings.words_section import USUAL, Words


class PopulationCount(Record):
    """Players of one population, to train and select with (`pool`) and held out (`test`)."""

    name: str
    pool: int
    test: int


class OriginCount(Record):
    """Labels from one origin (see `scarcegan.data.reviewed.ORIGINS`): of the rare class, and of others.

    `pool` counts both among the players to train and select with, `test` among those held out.
    """

    name: str
    rare: int
    others: int
    pool: int
    test: int


class FoldCount(Record):
    """Players of each population on the two sides of one fold."""

    fold: int
    train: Mapping[str, int]
    validation: Mapping[str, int]


class TestSetCount(Record):
    """Players of one test set, and how many of them are known to be risky."""

    name: str
    players: int
    risky: int


class Histogram(Record):
    """Shares of players between edges: of the rare class and of the unlabelled; the end bins hold all beyond."""

    edges: Sequence[float]
    rare: Sequence[float]
    unlabeled: Sequence[float]


class FeatureDescription(Column):
    """One feature of the pool's unlabelled players who have it; `missing_share` of them lack it.

    `auc` tells how well it alone tells the rare class from them, a missing value counted as the lowest: 0.5 is chance.
    """

    name: str
    auc: float
    p99: float
    histogram: Histogram


class FeatureMove(Record):
    """How far one feature's distribution has moved from one table to another; see `scarcegan.data.distances`.

    A median is None, and the distance 1, where nobody of one table has a value.
    """

    name: str
    psi: float
    ks: float
    median_before: float | None
    median_now: float | None


class SnapshotReport(Record):
    """What the snapshot trained on is, and how its features have moved since the previous one, the most moved first.

    `origin` is the fingerprint that it was published with, before anyone was forgotten; empty in runs of older code.
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
    origin: str = ""


# A feature that separates so well alone is rather made from the label than a habit of players: a likely leak.
SUSPECT_AUC = 0.98


class DataReport(Record):
    """The players of a run.

    Attributes:
        cutoff: ISO date; empty where it is not known.
        fingerprint: 16 hex digits that name exactly these players.
        label_origins: where labels come from; empty where outcomes are not trained on.
        threshold_players: unlabelled players set apart for the final thresholds.
    """

    source: str
    cutoff: str
    fingerprint: str
    players: int
    features: int
    populations: Sequence[PopulationCount]
    folds: Sequence[FoldCount]
    threshold_players: int
    test_sets: Sequence[TestSetCount]
    feature_table: Sequence[FeatureDescription]
    warnings: Sequence[str]
    words: Words = USUAL
    label_origins: Sequence[OriginCount] = field(default_factory=list)
