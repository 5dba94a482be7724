"""How well a model serves groups of players: by ranges of its features, and by attributes that are no inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scarcegan.evaluation.figures import Interval
from scarcegan.records import Record


@dataclass(frozen=True)
class Group(Record):
    """Players of one range of a feature; a figure is None where nobody can tell it."""

    low: float
    high: float
    players: int
    risky: int
    flagged_share: Interval | None
    recall: Interval | None
    precision: Interval | None = None


@dataclass(frozen=True)
class FeatureGroups(Record):
    """A model's quality among low, middle and high players of one feature."""

    feature: str
    groups: Sequence[Group]


@dataclass(frozen=True)
class Subgroups(Record):
    """One model's quality by subgroup, at its threshold on one test set."""

    definition: str
    test_set: str
    threshold: float
    features: Sequence[FeatureGroups]


@dataclass(frozen=True)
class ToRest(Record):
    """A group's share less that of all others, with its 95 % interval; clear where chance alone does not explain it."""

    value: float
    low: float
    high: float
    is_clear: bool


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class AttributeTable(Record):
    """The groups by one attribute, or by two crossed."""

    attributes: Sequence[str]
    groups: Sequence[AttributeGroup]

    @property
    def shown(self) -> list[AttributeGroup]:
        """The groups that are not withheld."""
        return [group for group in self.groups if group.players is not None]


@dataclass(frozen=True)
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
