"""From a model's raw risk score to the probability of being risky: one strictly increasing curve."""

import numpy as np

from scarcegan.problems import RegistryProblem
from scarcegan.records import Record

# The outermost float32 values whose logarithms are finite wherever a model is served; less than the first counts as 0.
LEAST, MOST = 2.0**-126, 1 - 2.0**-24
# Each other class has this much more: of a player whom the networks are sure of, all of them would have nothing.
SPARE = 2.0**-26


class Calibration(Record):
    """The beta calibration p = 1 / (1 + exp(-g)) of a raw score s, with g = a ln s - b ln(1 - s) + c and a, b > 0.

    It rises strictly: ranks stay as they are. `a` shapes the low scores, `b` the high ones; a = b is Platt's curve on
    the score's log-odds, a = b = 1 with c = 0 changes nothing.

    Source: Kull, Silva Filho and Flach (2017), Beta calibration, eq. 5.
    """

    a: float
    b: float
    c: float

    def check(self) -> None:
        """Refuse numbers whose curve does not rise, with a RegistryProblem."""
        if not (min(self.a, self.b) > 0 and np.isfinite([self.a, self.b, self.c]).all()):
            raise RegistryProblem(f"expected a calibration with finite numbers, a and b > 0, got {self}: fit it again")

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Return the probabilities that raw scores, float [n] in [0, 1], stand for; of the same type as the scores."""
        return self._probability(inside(scores)).astype(scores.dtype)

    def rescale(self, probabilities: np.ndarray, rare: int) -> None:
        """Calibrate the rare class of class probabilities, float32 [classes, n], in place; see `set_risk`."""
        set_risk(probabilities, rare, self._probability(inside(probabilities[rare])))

    def slope(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the mean slope from a raw score [1] to others, float64 [n]: the derivative where they are equal."""
        start, end = inside(start), inside(end)
        risky, way = self._probability(end), end - start
        derivative = risky * (1 - risky) * (self.a / end + self.b / (1 - end))
        return np.divide(risky - self._probability(start), way, out=derivative, where=way != 0)

    def _probability(self, raw: np.ndarray) -> np.ndarray:
        # Beyond 700 the exponential leaves float64; the probability is 0 in float32 long before.
        return 1 / (1 + np.exp(np.minimum(self.b * np.log1p(-raw) - self.a * np.log(raw) - self.c, 700.0)))


def set_risk(probabilities: np.ndarray, rare: int, risk: np.ndarray) -> None:
    """Give the rare class of class probabilities, float32 [classes, n], this risk, float [n], in place.

    The other classes share what is left in their old proportions.
    """
    probabilities += np.float32(SPARE)
    probabilities[rare] = 0
    probabilities *= ((1 - risk) / probabilities.sum(axis=0)).astype(np.float32)
    probabilities[rare] = risk


def inside(scores: np.ndarray) -> np.ndarray:
    """Return raw scores as float64, those of 0 and 1 moved to where the curve is finite."""
    # In float32 rounding could turn two neighbouring scores round.
    return np.clip(np.asarray(scores, dtype=np.float64), LEAST, MOST)
