"""The figures of one score on one test set, with their intervals, and those of groups of its players."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from scarcegan import words
from scarcegan.records import Record
from scarcegan.settings.words_section import Words

# The figures of a model at its own threshold, on validation as on test players.
AT_THRESHOLD = ("recall", "precision", "flagged_share", "f2")


class Interval(Record):
    """A figure with its 95 % interval; `std` is the bootstrap's deviation, None for counted shares (Wilson's)."""

    value: float
    low: float
    high: float
    std: float | None = None


class Curve(Record):
    """Recall and precision over flagged shares that rise, with their 95 % intervals; lists of equal length."""

    flagged_share: Sequence[float]
    recall: Sequence[float]
    precision: Sequence[float]
    recall_low: Sequence[float]
    recall_high: Sequence[float]
    precision_low: Sequence[float]
    precision_high: Sequence[float]


class Confusion(Record):
    """Players by known class (`rows`; perhaps 'unlabelled' last) and most probable class (`labels`): counts."""

    labels: Sequence[str]
    rows: Sequence[str]
    matrix: Sequence[Sequence[int]]


class Calibration(Record):
    """Mean score of each filled bin's players beside their observed share of risky ones with its 95 % interval."""

    predicted: Sequence[float]
    observed: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    players: Sequence[int]


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
            return f"{their.counted(self.players)}, {known}"
        return f"{their.counted(self.players, 'unlabelled')} and {known}"

    def intervals(self) -> dict[str, Interval]:
        """Return every figure that has an interval, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Interval)}


class Spread(Record):
    """A figure of each fold's own choice on its validation players, with mean and standard deviation."""

    mean: float
    std: float
    folds: Sequence[float]


class Group(Record):
    """Players of one range of a feature; a figure is None where nobody can tell it."""

    low: float
    high: float
    players: int
    risky: int
    flagged_share: Interval | None
    recall: Interval | None
    precision: Interval | None = None


class FeatureGroups(Record):
    """A model's quality among low, middle and high players of one feature."""

    feature: str
    groups: Sequence[Group]


class Subgroups(Record):
    """One model's quality by subgroup, at its threshold on one test set."""

    definition: str
    test_set: str
    threshold: float
    features: Sequence[FeatureGroups]


class ToRest(Record):
    """A group's share less that of all others, with its 95 % interval; clear where chance alone does not explain it."""

    value: float
    low: float
    high: float
    is_clear: bool


class AttributeGroup(Record):
    """Players who share a value of one attribute, or values of two; `players` is None where the group is withheld.

    A figure is None where nobody can tell it; `to_rest` has the differences by measure.
    """

    values: Sequence[str]
    players: int | None = None
    risky: int | None = None
    recall: Interval | None = None
    precision: Interval | None = None
    flagged_share: Interval | None = None
    to_rest: Mapping[str, ToRest] = field(default_factory=dict)


class AttributeTable(Record):
    """The groups by one attribute, or by two crossed."""

    attributes: Sequence[str]
    groups: Sequence[AttributeGroup]

    @property
    def shown(self) -> list[AttributeGroup]:
        """The groups that are not withheld."""
        return [group for group in self.groups if group.players is not None]


class AttributeGroups(Record):
    """One model by attributes that are no inputs, at its threshold on one test set.

    Withheld are groups of fewer players than `smallest`, and others from which those could be computed. Of `compared`
    differences to the rest, all taken together, those are clear that Fisher's test and Holm's correction leave at 5 %.
    """

    definition: str
    test_set: str
    threshold: float
    smallest: int
    compared: int
    tables: Sequence[AttributeTable]
