"""What ScoreFlow's steps hand on: the plan, each shard's tally, the report."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

import numpy as np

from scarcegan import words
from scarcegan.monitoring.drift import ScoredPlayers
from scarcegan.outcomes.records import ListedSnapshot, Outcome, ScoredBy
from scarcegan.records import Record
from scarcegan.serving.reasons import Counterfactual, Marker
from scarcegan.settings.words_section import USUAL, Words


class ScoringModel(ScoredBy):
    """The approved version that scores; `run` trained it on the players that `data_fingerprint` names.

    Players from `threshold` on are flagged.
    """

    sha256: str
    release_id: str
    run: str
    threshold: float
    data_fingerprint: str = ""


class ScoredSnapshot(ListedSnapshot):
    """The snapshot that is scored, in `parts` shards; its fingerprint is the one that it was published with."""

    fingerprint: str
    players: int
    parts: int


class ScoringPlan(Record):
    """Who scores whom, decided before anything is scored; `folder` takes the scores of this `run`.

    `left_out` names the versions and snapshots that cannot be read: one of them may have been meant. `markers` are
    patterns of features by the marker of harm under which their reasons are told. `expired` warns that the model's
    approval has expired; empty: it holds.
    """

    run: str
    model: ScoringModel
    snapshot: ScoredSnapshot
    folder: str
    left_out: tuple[str, ...] = ()
    markers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expired: str = ""


class Tally(Record):
    """What one shard, whose scores are in `file` of the plan's folder, adds to the report.

    `classes` are players by most probable class in the model's order, int [classes]; `counts` are scores by bin, int,
    see `scarcegan.serving.distribution`; `sha256` is of the file's bytes.
    """

    file: str
    players: int
    flagged: int
    classes: np.ndarray
    counts: np.ndarray
    sha256: str


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

    def flat(self) -> dict[str, Any]:
        """Return it as `report.json` has it: the plan's keys beside the others."""
        plain = self.to_plain()
        return {**plain.pop("plan"), **plain}


class DecisionRecord(Record):
    """Why a model has flagged one player of a snapshot, or has not: for when the player, or anybody, contests it.

    Attributes:
        plan: the version, release and training behind the score, the snapshot, and the run that has scored it; without
            a run and a folder no scoring is kept, and the record tells what the model decides now.
        score: by the model on the player's features; `recorded_score` is what that run wrote, None where it is gone.
        score_kind: whether a score is the probability of being risky, or only ranks players.
        typical_score: the score of a player with the median of each feature.
        markers: every marker and feature; their attributions add up to the score less the typical one.
        counterfactual: what would have to change; None if not flagged, or nothing was found in the observed range.
        outcomes: what reviewers decided of the player in this snapshot, by time; `label` is what they settle on.
    """

    player_id: str
    plan: ScoringPlan
    score: float
    score_kind: Literal["probability", "relative"]
    threshold: float
    is_flagged: bool
    recorded_score: float | None
    typical_score: float
    markers: Sequence[Marker]
    counterfactual: Counterfactual | None
    outcomes: Sequence[Outcome]
    label: str
    words: Words = USUAL

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What was decided, by which model and run, by name; empty where there is none."""
        model, snapshot = self.plan.model, self.plan.snapshot
        kind = self.words.fill(
            "the probability of being {rare}" if self.score_kind == "probability" else "relative: it ranks {rows}"
        )
        recorded = "" if self.recorded_score is None else words.score(self.recorded_score, 4)
        return [
            (self.words.fill("{Row}"), self.player_id),
            ("Decision", "flagged" if self.is_flagged else "not flagged"),
            ("Risk score", f"{words.score(self.score, 4)} ({kind})"),
            ("As written then", recorded),
            ("Threshold", words.score(self.threshold, 4)),
            ("Snapshot", f"{snapshot.name}, cut-off {snapshot.cutoff}, fingerprint {snapshot.fingerprint}"),
            ("Scored by", self.plan.run or "no run that is kept: what the model decides now"),
            ("Model", f"version {model.version} of {model.group}, {model.definition}, {model.release_id}"),
            ("Trained by", model.run),
            ("Archive (sha256)", model.sha256),
            ("Outcome", self.label or (self.outcomes and "not settled") or "none"),
        ]

    @property
    def change_in_words(self) -> str:
        """What would have to change for the flag to fall."""
        if not self.is_flagged:
            return self.words.fill("The {row} is not flagged.")
        if self.counterfactual is None:
            return self.words.fill(
                "None found within the observed range of the snapshot's {rows}, of up to five changes."
            )
        found = self.counterfactual
        changes = ", and ".join(one.words for one in found.changes)
        return (
            self.words.fill("The {row} would not be flagged with ")
            + f"{changes}: risk score {words.score(found.score, 4)}."
        )


class Mover(Record):
    """A player whom only one of two scores shows to moderators; `why` in words, by the model that does."""

    player_id: int | str
    old_score: float
    new_score: float
    old_rank: int
    new_rank: int
    why: Sequence[str]


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
