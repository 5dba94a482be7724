"""How a fold's training goes, round by round."""

from collections.abc import Mapping, Sequence

from scarcegan.records import Record
from scarcegan.settings.words_section import USUAL, Words


class Progress(Record):
    """A fold's training up to its latest round, of so many iterations as the whole training will run.

    Each round has the iteration and seconds that it reached and, for each member, a fault (a word or nothing) and a
    number of each series. Members are healthy as of the latest round.
    """

    members: int
    iterations: int
    iteration: Sequence[int]
    seconds: Sequence[float]
    faults: Sequence[Sequence[str]]
    series: Mapping[str, Sequence[Sequence[float]]]
    healthy: Sequence[bool]
    alarms: Sequence[str]
    words: Words = USUAL
