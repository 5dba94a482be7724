"""Why a model scores players as it does: what is said of one player, and of a sample of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scarcegan import words
from scarcegan.data.columns import LEVELS
from scarcegan.records import Record

# From which to which quantile a value is usual: nine in ten players lie there.
USUAL = (0.05, 0.95)
# What a list for reviewers tells of one player, at most; the features are shared out evenly between the markers.
MARKERS_TOLD, FEATURES_TOLD = 3, 6


class Reason(Record):
    """A feature that raised one player's risk score by `attribution`; `value` and `typical` are raw.

    A missing value is None.
    """

    feature: str
    value: float | None
    typical: float
    attribution: float
    words: str


class ExplainedPlayer(Record):
    """A flagged player without name, values rounded; `risky` is None where it is not known."""

    score: float
    risky: bool | None
    reasons: Sequence[Reason]


class Importance(Record):
    """A feature's mean absolute attribution, in units of risk score."""

    feature: str
    mean_attribution: float


class Explanation(Record):
    """What a model looks at, on a sample of `players` test players; examples are a few of the `flagged`.

    The strongest feature comes first.
    """

    definition: str
    test_set: str
    players: int
    flagged: int
    importance: Sequence[Importance]
    examples: Sequence[ExplainedPlayer]


class Contribution(Record):
    """What one feature adds to one player's risk score, in units of it; usual is what nine in ten players have.

    Values are raw; one that is missing is None, and so is what is usual where nobody has a value.
    """

    feature: str
    value: float | None
    usual_low: float | None
    usual_high: float | None
    attribution: float
    words: str


class Marker(Record):
    """A marker of harm: what its features, the strongest first, together add to one player's risk score."""

    name: str
    attribution: float
    features: Sequence[Contribution]


class Change(Record):
    """A feature whose value would have to be another one, raw; a missing value is None."""

    feature: str
    marker: str
    value: float | None
    wanted: float
    words: str


class Counterfactual(Record):
    """Changes after which a player is not flagged: then the risk score is `score`."""

    changes: Sequence[Change]
    score: float


@dataclass(frozen=True, eq=False)
class Background:
    """What a player's features are told beside: the players of a snapshot, and what each of F features stands for.

    Attributes:
        quantiles: of the players who have a value, float32 [F, levels], at `scarcegan.data.columns.LEVELS`; NaN where
            nobody has one.
        markers: the marker of harm of each feature.
        units: the unit of each feature; empty where it is not known.
    """

    features: tuple[str, ...]
    quantiles: np.ndarray
    markers: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def typical(self) -> np.ndarray:
        """The median of each feature, float32 [F], from which attributions count."""
        return np.asarray(self.quantiles[:, self.quantiles.shape[1] // 2])

    @cached_property
    def usual(self) -> np.ndarray:
        """The usual range of each feature, float [F, 2]."""
        return np.array([np.interp(USUAL, LEVELS, row) for row in self.quantiles])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The markers there are, each once."""
        return tuple(dict.fromkeys(self.markers))

    @cached_property
    def place(self) -> np.ndarray:
        """The place in `names` of each feature's marker, int [F]."""
        return np.array([self.names.index(name) for name in self.markers])

    @cached_property
    def _units(self) -> list[str]:
        return [_unit(*one) for one in zip(map(words.feature_name, self.features), self.units, strict=True)]

    @cached_property
    def _usual_told(self) -> list[str]:
        ends = ([words.feature_value(end) for end in pair] for pair in self.usual.tolist())
        ends = (["missing"] * 2 if words.MISSING in pair else pair for pair in ends)
        return [f"usually {low}" if low == high else f"usually {low} to {high}" for low, high in ends]

    def amount(self, feature: int, value: float) -> str:
        """Write a value of a feature with its unit."""
        return "missing" if math.isnan(value) else f"{words.feature_value(value)}{self._units[feature]}"

    def told(self, feature: int, value: float) -> str:
        """Say what a player has beside what is usual: night level 41 per day, usually 0 to 12."""
        name = words.feature_name(self.features[feature])
        return f"{name} {self.amount(feature, value)}, {self._usual_told[feature]}"

    def sums(self, attributions: np.ndarray) -> np.ndarray:
        """Add up the attributions [n, F] of each marker's features: float64 [n, markers]."""
        found = np.zeros((len(attributions), len(self.names)))
        # Onto zeros, feature by feature: the sum does not depend on how many players there are.
        np.add.at(found.T, self.place, attributions.T)
        return found


def reasons_in_words(background: Background, rows: np.ndarray, attributions: np.ndarray) -> list[list[str]]:
    """Say of each player which markers raise the risk score most, the strongest first, each with its features.

    Rows and attributions, from the typical player on, are [n, F]. Of a marker those features are named that raise the
    score, the strongest first, beside what is usual; in brackets stands what all of the marker's features add up to:
    "time of day: night level 41 per day, usually 0 to 12, and night days share ... (+0.21)". Whoever has a feature that
    raises the score has a reason, however low the score is.
    """
    # Stable: of two that weigh the same, the first column is named, on every machine.
    strongest = np.argsort(-attributions, axis=1, kind="stable")
    raising = (attributions > 0).sum(axis=1)
    place, found = background.place.tolist(), []
    for row, order, count, sums in zip(
        rows.tolist(), strongest.tolist(), raising.tolist(), background.sums(attributions).tolist(), strict=True
    ):
        own: dict[int, list[int]] = {}
        for feature in order[:count]:
            own.setdefault(place[feature], []).append(feature)
        shown = sorted(own, key=lambda marker: -sums[marker])[:MARKERS_TOLD]
        found.append([_in_words(background, marker, own[marker], row, sums[marker], len(shown)) for marker in shown])
    return found


def contributions(background: Background, row: np.ndarray, attributions: np.ndarray) -> list[Marker]:
    """Return what every marker and feature adds to one player's risk score, float [F] each, the strongest first."""
    sums, strongest = background.sums(attributions[None, :])[0], np.argsort(-attributions, kind="stable")
    return [
        Marker(
            background.names[marker],
            float(sums[marker]),
            [_contribution(background, i, row, attributions) for i in strongest if background.place[i] == marker],
        )
        for marker in np.argsort(-sums, kind="stable")
    ]


def strongest_reasons(
    feature_names: Sequence[str], rows: np.ndarray, attributions: np.ndarray, typical: np.ndarray, count: int = 3
) -> list[list[Reason]]:
    """Name for each player the features that raised the risk score most, the strongest first.

    Rows [n, F] are raw; their attributions [n, F], from `Model.explain`, count from the raw row `typical` [F]. A player
    has at most `count` reasons, in words such as "share active days 0.93, typical 0.21 (+0.18)".
    """
    # Stable: of two features that weigh the same, the first column is named, on every machine.
    strongest = np.argsort(-attributions, axis=1, kind="stable")[:, :count]
    return [
        [_reason(feature_names[i], float(row[i]), float(typical[i]), float(shares[i])) for i in order if shares[i] > 0]
        for row, shares, order in zip(rows, attributions, strongest, strict=True)
    ]


def without_size(words: str) -> str:
    """Return a reason in words without its share of the risk score, by which readers could guess the score."""
    return words.rpartition(" (")[0]


def _unit(name: str, unit: str) -> str:
    """Return what stands behind a value: `12 count per day` reads 12 per day; nothing that the name says already."""
    if " to " in unit:
        return f" on a scale of {unit.replace('-', words.MINUS)}"
    if unit.startswith("log "):
        return " on a log scale"
    told = unit.removeprefix("count").strip()
    return "" if not told or name.endswith(told) else f" {told}"


def _in_words(
    background: Background, marker: int, features: list[int], row: list[float], attribution: float, markers: int
) -> str:
    told = [background.told(feature, row[feature]) for feature in features[: FEATURES_TOLD // markers]]
    return f"{background.names[marker]}: {', and '.join(told)} ({words.signed(attribution)})"


def _contribution(background: Background, place: int, row: np.ndarray, attributions: np.ndarray) -> Contribution:
    value, usual = float(row[place]), background.usual[place].tolist()
    known, low, high = (None if math.isnan(one) else one for one in (value, *usual))
    told = background.told(place, value)
    return Contribution(background.features[place], known, low, high, float(attributions[place]), told)


def _reason(feature: str, value: float, typical: float, attribution: float) -> Reason:
    is_missing = math.isnan(value)
    shown, usual = ("missing" if math.isnan(one) else words.feature_value(one) for one in (value, typical))
    told = f"{words.feature_name(feature)} {shown}, typical {usual} ({words.signed(attribution)})"
    return Reason(feature, None if is_missing else value, typical, attribution, told)
