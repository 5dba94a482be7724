"""What ScoreFlow's steps hand on: the plan, each shard's tally, the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scarcegan.monitoring.drift import ScoredPlayers
from scarcegan.records import Record
from scarcegan.settings.words_section import USUAL, Words


@dataclass(frozen=True)
class ScoringModel(Record):
    """The approved version that scores; `run` trained it on the players that `data_fingerprint` names.

    Players from `threshold` on are flagged.
    """

    version: int
    definition: str
    group: str
    sha256: str
    release_id: str
    run: str
    threshold: float
    data_fingerprint: str = ""


@dataclass(frozen=True)
class ScoredSnapshot(Record):
    """The snapshot that is scored, in `parts` shards; its fingerprint is the one that it was published with."""

    name: str
    fingerprint: str
    cutoff: str
    players: int
    parts: int


@dataclass(frozen=True)
class ScoringPlan(Record):
    """Who scores whom, decided before anything is scored; `folder` takes the scores of this `run`.

    `left_out` names the versions and snapshots that cannot be read: one of them may have been meant. `expired` warns
    that the model's approval has expired; empty: it holds.
    """

    run: str
    model: ScoringModel
    snapshot: ScoredSnapshot
    folder: str
    left_out: tuple[str, ...] = ()
    expired: str = ""


@dataclass(frozen=True)
class Tally(Record):
    """What one shard, whose scores are in `file` of the plan's folder, adds to the report.

    `classes` are players by most probable class in the model's order, int [classes]; `counts` are scores by bin, int,
    see `scarcegan.serving.distribution`; `sha256` is of the file's bytes, None in what older code has stored.
    """

    file: str
    players: int
    flagged: int
    classes: np.ndarray
    counts: np.ndarray
    sha256: str | None = None


@dataclass(frozen=True)
class ReviewList(Record):
    """The moderators' list, the `budget` share of the players, in two files of the plan's folder.

    `audit_players` of its `players` were drawn at random; the others have the highest scores. Of these are the lowest
    score, None on an empty list, and the number of the flagged. `csv` is what reviewers see; `table` has the scores and
    who was drawn as well.
    """

    players: int
    budget: float
    lowest_score: float | None
    flagged: int
    table: str
    csv: str
    audit_players: int = 0


@dataclass(frozen=True)
class ScoreReport(Record):
    """What the scores of all shards, each in its file, tell together.

    They are compared with nobody here: drift says whom they are compared with, see `scarcegan.monitoring.drift`.

    Attributes:
        classes: players by most probable class.
        levels: those of the quantiles in `scored` and `threshold_set_on`.
        threshold_set_on: the unlabelled players of the training that the threshold was set on; None for older models.
        over_budget: says that more are flagged than the review budget, beyond the sampling error; otherwise empty.
    """

    plan: ScoringPlan
    files: Sequence[str]
    players: int
    flagged: int
    scored: ScoredPlayers
    classes: Mapping[str, int]
    levels: Sequence[float]
    threshold_set_on: ScoredPlayers | None
    review: ReviewList
    over_budget: str
    words: Words = USUAL


@dataclass(frozen=True)
class Mover(Record):
    """A player whom only one of two scores shows to moderators; `why` in words, by the model that does."""

    player_id: int | str
    old_score: float
    new_score: float
    old_rank: int
    new_rank: int
    why: Sequence[str]


@dataclass(frozen=True)
class ParityReport(Record):
    """Two scores of the same players at the review budget.

    Attributes:
        old, new: `version 3`, or a file's location.
        only_in_snapshot: players that a file lacks; they are left out.
        budget_players: whom moderators look at.
        agreement: share of them that both choose.
        rank_correlation: Spearman's; None where a score is the same for everyone.
        largest_difference: of a player's two scores.
        moved_in_players: whom only the new score shows; as many move out.
        moved_in, moved_out: the first of them, the highest rank first.
    """

    old: str
    new: str
    snapshot: str
    players: int
    only_in_snapshot: int
    budget_players: int
    agreement: float
    rank_correlation: float | None
    largest_difference: float
    moved_in_players: int
    moved_in: Sequence[Mover]
    moved_out: Sequence[Mover]
