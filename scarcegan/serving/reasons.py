"""Why a model scores players as it does: what is said of one player, and of a sample of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from scarcegan.records import Record


@dataclass(frozen=True)
class Reason(Record):
    """A feature that raised one player's risk score by `attribution`; `value` and `typical` are raw."""

    feature: str
    value: float
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
    """What a model looks at, on a sample of `players` test players of whom `flagged` are flagged.

    Attributes:
        importance: the strongest feature first.
        examples: a few of the flagged.
    """

    definition: str
    test_set: str
    players: int
    flagged: int
    importance: Sequence[Importance]
    examples: Sequence[ExplainedPlayer]
