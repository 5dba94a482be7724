"""Players with a risk score, and which of them tell about recall and which about the flagged share."""

from dataclasses import replace

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED
from scarcegan.problems import DataProblem
from scarcegan.records import Record


class Scored(Record):
    """Scores of n players with what is known about them.

    Recall at t is the share of `is_risky` with score >= t; the flagged share is the share of `in_population`
    with score >= t; precision is min(1, recall x prevalence / flagged share). Where all rows stand for the
    population and the prevalence is theirs, that precision is exactly true positives / flagged.

    Attributes:
        score: float array [n], finite; the higher, the riskier.
        is_risky: bool array [n]; known risky players (by label in validation, by truth in a test set).
        in_population: bool array [n]; rows that stand for all players.
        prevalence: of risky players among all players; None: their share among the population's rows.
        stands_for: float array [n]; how many players of the population each row stands for, where a threshold is set.
            None: each row of `in_population` for one.

    Raises:
        DataProblem: a score is not finite, or there is nobody to measure on.
    """

    score: np.ndarray
    is_risky: np.ndarray
    in_population: np.ndarray
    prevalence: float | None = None
    stands_for: np.ndarray | None = None

    def __post_init__(self) -> None:
        broken = np.count_nonzero(~np.isfinite(self.score))
        if broken:
            raise DataProblem(
                f"expected finite scores, got {broken} NaN or infinite of {len(self.score)}: "
                "leave collapsed members out"
            )
        if not self.is_risky.any():
            raise DataProblem(
                f"expected at least 1 known risky player, got 0 of {len(self.score)}: "
                "recall has no meaning there; hold out more players or add risky ones"
            )
        if not (self.in_population & ~self.is_risky).any():
            raise DataProblem(
                "expected players not known to be risky that stand for the population, got 0: hold some out"
            )
        if self.prevalence is None and not (self.in_population & self.is_risky).any():
            raise DataProblem(
                "expected a prevalence, as no risky player stands for the population, got none: "
                "set data.prevalence or estimate it"
            )

    def __len__(self) -> int:
        return len(self.score)

    def with_score(self, score: np.ndarray) -> "Scored":
        """Return the same players under another score [n]."""
        return replace(self, score=score)


class HeldOut(Record):
    """The rows of one test set, as in `Scored`, before anybody scores them; with labels [n], -1: unlabelled."""

    labels: np.ndarray
    is_risky: np.ndarray
    in_population: np.ndarray
    prevalence: float | None = None
    stands_for: np.ndarray | None = None

    def scored(self, score: np.ndarray) -> Scored:
        """Return these rows with a score [n]."""
        return Scored(score, self.is_risky, self.in_population, self.prevalence, self.stands_for)


def held_by_label(
    labels: np.ndarray, rare_index: int, prevalence: float | None, unlabeled: float | None = None
) -> HeldOut:
    """Say what each row tells by its label (int array [n], -1 unlabelled), as in validation.

    The labelled risky are to be found, and the unlabelled stand for the players whom nobody has looked at. Moderators
    will see the labelled players too: with `unlabeled`, the number of unlabelled players beside the labelled ones
    given, each row also stands for its part of all of them.
    """
    is_unlabeled = labels == UNLABELED
    stands_for = None
    if unlabeled is not None:
        stands_for = np.where(is_unlabeled, unlabeled / max(1, int(np.count_nonzero(is_unlabeled))), 1.0)
    return HeldOut(labels, labels == rare_index, is_unlabeled, prevalence, stands_for)


def held_out(labels: np.ndarray, truth: np.ndarray, rare_index: int, prevalence: float | None = None) -> HeldOut:
    """Say what each row of a test set tells: by its label where truth is not known.

    With truth, all rows stand for the population and the truly risky are to be found. Labels are int [n], -1
    unlabelled; truth is int [n]: 1 risky, 0 not, -1 not known. The prevalence is used only where truth is not known.
    Truth of some rows only is a DataProblem.
    """
    known = truth != UNKNOWN_TRUTH
    if known.all():
        return HeldOut(labels, truth == 1, np.ones(len(labels), dtype=bool), None)
    # Players whose truth is known are rarely a random sample: they cannot stand for the rest.
    if known.any():
        raise DataProblem(
            f"expected the truth of all {len(truth)} test players or of none, got {np.count_nonzero(known)}: "
            "fill the truth column or leave it out"
        )
    return held_by_label(labels, rare_index, prevalence)
