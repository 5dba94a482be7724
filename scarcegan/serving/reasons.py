"""Why a model scores players as it does: what is said of one player, and of a sample of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scarcegan import words
from scarcegan.records import Record


@dataclass(frozen=True)
class Reason(Record):
    """A feature that raised one player's risk score by `attribution`; `value` and `typical` are raw.

    A missing value is None.
    """

    feature: str
    value: float | None
    typical: float
    attribution: float
    words: str


@dataclass(frozen=True)
class ExplainedPlayer(Record):
    """A flagged player without name, values rounded; `risky` is None where it is not known."""

    score: float
    risky: bool | None
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Importance(Record):
    """A feature's mean absolute attribution, in units of risk score."""

    feature: str
    mean_attribution: float


@dataclass(frozen=True)
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


def _reason(feature: str, value: float, typical: float, attribution: float) -> Reason:
    name = feature.replace("_", " ")
    is_missing = math.isnan(value)
    shown = "missing" if is_missing else words.number(value)
    told = f"{name} {shown}, typical {words.number(typical)} ({words.signed(attribution)})"
    return Reason(feature, None if is_missing else value, typical, attribution, told)
