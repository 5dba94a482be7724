"""How a fold's training goes, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scarcegan.records import Record


@dataclass(frozen=True)
class Progress(Record):
    """A fold's training up to its latest round.

    Attributes:
        iterations: that the whole training will run.
        iteration, seconds: reached by each round.
        faults: by round, a word or nothing for each member.
        series: by name, by round, a number for each member.
        healthy: of each member, as of the latest round.
    """

    members: int
    iterations: int
    iteration: Sequence[int]
    seconds: Sequence[float]
    faults: Sequence[Sequence[str]]
    series: Mapping[str, Sequence[Sequence[float]]]
    healthy: Sequence[bool]
    alarms: Sequence[str]
