"""What ScoreFlow's steps hand on: the plan, each shard's tally, the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scarcegan.records import Record
from scarcegan.serving.distribution import ReferenceScores


@dataclass(frozen=True)
class ScoringModel(Record):
    """The approved version that scores; `run` trained it, players from `threshold` on are flagged."""

    version: int
    definition: str
    group: str
    sha256: str
    release_id: str
    run: str
    threshold: float


@dataclass(frozen=True)
class ScoredSnapshot(Record):
    """The snapshot that is scored, in `parts` shards."""

    name: str
    fingerprint: str
    cutoff: str
    players: int
    parts: int


@dataclass(frozen=True)
class ScoringPlan(Record):
    """Who scores whom, decided before anything is scored; `folder` takes the scores of this `run`."""

    run: str
    model: ScoringModel
    snapshot: ScoredSnapshot
    folder: str


@dataclass(frozen=True)
class Tally(Record):
    """What one shard adds to the report.

    Attributes:
        file: of its scores, in the plan's folder.
        classes: int array [classes], players by most probable class in the model's order.
        counts: int array, scores by bin, see `scarcegan.serving.distribution`.
    """

    file: str
    players: int
    flagged: int
    classes: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class ReviewList(Record):
    """The moderators' list: the `budget` share of highest scores.

    Attributes:
        players: on the list.
        lowest_score: None for an empty list.
        flagged: of them, at or above the threshold.
        table, csv: its files in the plan's folder.
    """

    players: int
    budget: float
    lowest_score: float | None
    flagged: int
    table: str
    csv: str


@dataclass(frozen=True)
class ScoreReport(Record):
    """What the scores of all shards tell together.

    Attributes:
        files: of the shards.
        unknown_share: whose most probable class is 'unknown'.
        classes: players by most probable class.
        levels, quantiles: of the risk score.
        reference: the training's; None for a model without.
    """

    plan: ScoringPlan
    files: Sequence[str]
    players: int
    flagged: int
    flagged_share: float
    unknown_share: float
    classes: Mapping[str, int]
    levels: Sequence[float]
    quantiles: Sequence[float]
    reference: ReferenceScores | None
    review: ReviewList
