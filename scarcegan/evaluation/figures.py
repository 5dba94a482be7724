"""The figures of one score on one test set, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from scarcegan import words
from scarcegan.records import Record
from scarcegan.settings.words_section import Words

# The figures of a model at its own threshold, on validation as on test players.
AT_THRESHOLD = ("recall", "precision", "flagged_share", "f2")


@dataclass(frozen=True)
class Interval(Record):
    """A figure with its 95 % interval; `std` is the bootstrap's deviation, None for counted shares (Wilson's)."""

    value: float
    low: float
    high: float
    std: float | None = None


@dataclass(frozen=True)
class Curve(Record):
    """Recall and precision over flagged shares that rise, with their 95 % intervals; lists of equal length."""

    flagged_share: Sequence[float]
    recall: Sequence[float]
    precision: Sequence[float]
    recall_low: Sequence[float]
    recall_high: Sequence[float]
    precision_low: Sequence[float]
    precision_high: Sequence[float]


@dataclass(frozen=True)
class Confusion(Record):
    """Players by known class (`rows`; perhaps 'unlabelled' last) and most probable class (`labels`): counts."""

    labels: Sequence[str]
    rows: Sequence[str]
    matrix: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Calibration(Record):
    """Mean score of each filled bin's players beside their observed share of risky ones with its 95 % interval."""

    predicted: Sequence[float]
    observed: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    players: Sequence[int]


@dataclass(frozen=True)
class Measures(Record):
    """All figures of one score on one test set.

    `players` stand for the population, `risky` are known to be so. With `truth_known` of all of them, precision is
    counted and the prevalence theirs; otherwise both go by the evaluation's. `recall_at_1` is taken where 1 % are
    flagged; all `AT_THRESHOLD` at the model's own threshold, a rival's at the review budget. `unknown_share`, of
    players whose most probable class is 'unknown', and `confusion` are None without class probabilities.
    """

    players: int
    risky: int
    prevalence: float
    pr_auc: Interval
    roc_auc: Interval
    recall_at_1: Interval
    recall_at_2: Interval
    recall_at_5: Interval
    recall_at_budget: Interval
    precision_at_budget: Interval
    recall: Interval
    precision: Interval
    flagged_share: Interval
    f2: Interval
    curve: Curve
    calibration: Calibration
    unknown_share: Interval | None = None
    confusion: Confusion | None = None
    truth_known: bool = True

    def counted(self, their: Words) -> str:
        """Say how many players the figures are of; without truth the known risky ones are beside the unlabelled."""
        known = f"{words.count(self.risky)} known {their.rare}"
        if self.truth_known:
            return f"{words.plural(self.players, their.row, their.rows)}, {known}"
        return f"{words.plural(self.players, f'unlabelled {their.row}', f'unlabelled {their.rows}')} and {known}"

    def intervals(self) -> dict[str, Interval]:
        """Return every figure that has an interval, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Interval)}


@dataclass(frozen=True)
class Spread(Record):
    """A figure of each fold's own choice on its validation players, with mean and standard deviation."""

    mean: float
    std: float
    folds: Sequence[float]
