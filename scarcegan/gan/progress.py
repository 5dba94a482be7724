"""How a fold's training goes, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scarcegan.records import Record


@dataclass(frozen=True)
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

    @property
    def seconds_left(self) -> float:
        """Extrapolate from the rounds after the first, which pays for compilation."""
        starts = list(zip(self.iteration, self.seconds, strict=True))
        first, second = starts[0] if len(starts) > 1 else (0, 0.0)
        last, now = starts[-1]
        return (self.iterations - last) * (now - second) / max(last - first, 1)
