"""What would have to change for a player's flag to fall: the nearest counterfactual, found by the model's own scores.

docs/method.md (Reasons) says how it is searched. It is a search, not a proof: a nearer one of more features may exist.

Source: Wachter, Mittelstadt and Russell (2018), Counterfactual explanations without opening the black box; Karimi et
al. (2020), for changes within what is observed and few of them.
"""

from dataclasses import dataclass

import numpy as np

from scarcegan import words
from scarcegan.data.columns import LEVELS
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import Background, Change, Counterfactual

MOST_CHANGES = 5
FEATURES_TRIED = 30
# Scores of one player differ by less between calls with few rows and with many.
MARGIN = 1e-6


@dataclass(frozen=True, eq=False)
class _Moves:
    """Each a value that a feature may take, and how far away it is: the share of players in between."""

    feature: np.ndarray
    value: np.ndarray
    distance: np.ndarray

    def where(self, chosen: np.ndarray) -> "_Moves":
        return _Moves(self.feature[chosen], self.value[chosen], self.distance[chosen])


def nearest_counterfactual(
    model: Model, background: Background, row: np.ndarray, attributions: np.ndarray
) -> Counterfactual | None:
    """Search what would have to change for the flag of one player to fall; None if nothing is found, or needed.

    The row and its attributions are float32 [F], the row raw.
    """
    if not model.flags(model.risk(row[None, :]))[0]:
        return None
    moves = _moves(background, row, attributions)
    taken: dict[int, float] = {}
    while len(taken) < MOST_CHANGES:
        left = moves.where(~np.isin(moves.feature, list(taken)))
        if not len(left.feature):
            return None
        scores = _scores(model, row, taken, left)
        falls = scores < model.threshold - MARGIN
        best = np.where(falls, left.distance, np.inf).argmin() if falls.any() else scores.argmin()
        taken[int(left.feature[best])] = float(left.value[best])
        if falls.any():
            return _told(model, background, row, _taken_back(model, row, taken, moves))
    return None


def _moves(background: Background, row: np.ndarray, attributions: np.ndarray) -> _Moves:
    """List the values that the features which raise the score may take."""
    strongest = np.argsort(-attributions, kind="stable")[:FEATURES_TRIED]
    found = [(np.empty(0, int), np.empty(0), np.empty(0))]
    for feature in strongest[(attributions[strongest] > 0) & np.isfinite(background.typical[strongest])]:
        quantiles, own = background.quantiles[feature], row[feature]
        values, rank = np.unique(quantiles), _rank(quantiles, own)
        if np.isnan(own):
            # Nobody knows how far it is from a missing value: farther than any other way.
            distance = 1 + np.abs(_rank(quantiles, values) - 0.5)
        else:
            # By their signs: products of values such as 1e-30 or 1e30 are 0 or infinite.
            towards = np.sign(background.typical[feature] - own)
            is_nearer = (np.sign(values - own) == towards) & (towards != 0)
            # A change that nobody can read is none.
            is_other = [words.feature_value(float(value)) != words.feature_value(float(own)) for value in values]
            values = values[is_nearer & is_other]
            distance = np.abs(_rank(quantiles, values) - rank)
        found.append((np.full(len(values), feature), values, distance))
    return _Moves(*map(np.concatenate, zip(*found, strict=True)))


def _rank(quantiles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of players below values, half of those who have just the same."""
    below, reached = np.searchsorted(quantiles, values), np.searchsorted(quantiles, values, side="right")
    return (below + reached) / (2 * len(LEVELS))


def _scores(model: Model, row: np.ndarray, taken: dict[int, float], moves: _Moves) -> np.ndarray:
    """Return the risk score after each one of the moves, on top of the changes that are taken: float32 [moves]."""
    rows = np.repeat(_changed(row, taken)[None, :], len(moves.feature), axis=0)
    rows[np.arange(len(rows)), moves.feature] = moves.value
    return model.risk(rows)


def _changed(row: np.ndarray, taken: dict[int, float]) -> np.ndarray:
    changed = row.copy()
    changed[list(taken)] = list(taken.values())
    return changed


def _taken_back(model: Model, row: np.ndarray, taken: dict[int, float], moves: _Moves) -> dict[int, float]:
    """Move each change back as far as the flag stays down, until none can be."""
    kept = dict(taken)
    for feature in taken:
        own = moves.where(moves.feature == feature)
        # Last, no change at all.
        own = _Moves(np.append(own.feature, feature), np.append(own.value, row[feature]), np.append(own.distance, 0.0))
        stays = _scores(model, row, kept, own) < model.threshold - MARGIN
        if stays.any():
            nearest = np.where(stays, own.distance, np.inf).argmin()
            kept[feature] = float(own.value[nearest])
            if nearest == len(own.value) - 1:
                del kept[feature]
    return kept if kept == taken else _taken_back(model, row, kept, moves)


def _told(model: Model, background: Background, row: np.ndarray, taken: dict[int, float]) -> Counterfactual:
    changes = []
    for i, wanted in sorted(taken.items()):
        value, name = float(row[i]), words.feature_name(background.features[i])
        known = None if np.isnan(value) else value
        # The unit stands once, behind the value that there is.
        now = background.amount(i, wanted) if known is None else words.feature_value(wanted)
        told = f"{name} {now} instead of {background.amount(i, value)}"
        changes.append(Change(background.features[i], background.markers[i], known, wanted, told))
    return Counterfactual(changes, float(model.risk(_changed(row, taken)[None, :])[0]))
