"""The step `preprocess`: any source's players, checked, split into test sets and folds, described."""

from dataclasses import replace
from typing import Any, Self

import numpy as np

from scarcegan.data.attributes import check_attributes_fit
from scarcegan.data.folds import split
from scarcegan.data.left_out import constant, leave_out
from scarcegan.data.players import UNLABELED, Players
from scarcegan.data.records import DataReport
from scarcegan.data.report import data_report
from scarcegan.data.validation import validate
from scarcegan.datasets import load_players
from scarcegan.evaluation.groups import subgroup_features
from scarcegan.outcomes.labels import reviewed_players
from scarcegan.records import Record
from scarcegan.settings import Settings
from scarcegan.words import Say, unsaid


class Prepared(Record):
    """Players ready for training.

    Attributes:
        players: pool and test players.
        fold: int8 array [n]: the fold in which a pool player validates; `folds.k` for an unlabelled player set
            apart for the final thresholds; -s for a player of test set s.
        fingerprint: 16 hex digits that name exactly these players.
    """

    players: Players
    fold: np.ndarray
    fingerprint: str

    @property
    def unlabeled(self) -> float:
        """The number of unlabelled players beside the labelled ones of the pool, those left out included."""
        return self.players.each_unlabeled * np.count_nonzero((self.players.labels == UNLABELED) & (self.fold >= 0))

    def test_rows(self) -> dict[str, np.ndarray]:
        """Return the rows of each test set's players by its name, int arrays."""
        return {name: np.flatnonzero(self.fold == -number) for number, name in enumerate(self.players.test_sets, 1)}

    def to_plain(self) -> dict[str, Any]:
        """Return the players' columns and the other fields in one dict; arrays are passed on, not copied."""
        others = {name: value for name, value in vars(self).items() if name != "players"}
        return {**self.players.to_plain(), **others}

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """Read what `to_plain` returned."""
        return super().from_plain({**plain, "players": plain})


def prepare(settings: Settings, say: Say = unsaid) -> tuple[Prepared, DataReport]:
    """Load, check and split the players of the configured source; constant features are left out."""
    say(f"Loading players from source '{settings.data.source}'")
    reviewed = reviewed_players(settings)
    players = load_players(settings, reviewed)
    if reviewed is not None:
        players = replace(players, notes=(*players.notes, *reviewed.notes))
    say("Checking, splitting and describing the players")
    players, fold = split(validate(players, settings), settings)
    players = leave_out(players, constant(players), "being constant over the pool")
    # What is misnamed for the evaluation is better heard of before the training.
    subgroup_features(players.feature_names, settings.evaluate.subgroup_features)
    check_attributes_fit(players.ids[fold == -1], players.feature_names, settings)
    report = data_report(players, fold, settings)
    return Prepared(players, fold, report.fingerprint), report
