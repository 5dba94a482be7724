"""The families beside ScarceGAN that a model is made of; the risk is the weighted mean of all their log-odds."""

import numpy as np

from scarcegan.problems import RegistryProblem
from scarcegan.records import Record
from scarcegan.serving.parts import AnyRiskPart


class Family(Record, eq=False):
    """What one family beside ScarceGAN puts into a model: a part for each fold, whose mean risk is the family's.

    Its parts tell how risky a player is and no more. `share` is its weight in the mean of log-odds, > 0.
    """

    name: str
    share: float
    parts: tuple[AnyRiskPart, ...]

    @property
    def fills_missing(self) -> bool:
        """Whether a player with a missing value can be scored."""
        return all(part.fills_missing for part in self.parts)

    def check(self, features: int) -> None:
        """Refuse, with a RegistryProblem, arrays that do not fit together."""
        if not (self.parts and np.isfinite(self.share) and self.share > 0):
            raise RegistryProblem(
                f"expected family '{self.name}' with parts and a share above 0, got {len(self.parts)} parts and "
                f"{self.share}: leave out a family that counts for nothing"
            )
        for number, part in enumerate(self.parts):
            part.check(f"{self.name}'s part {number}", features)

    def risk(self, columns: np.ndarray) -> np.ndarray:
        """Return the mean risk over the parts, float32 [n], of raw columns, float32 [F, n]."""
        total = np.zeros(columns.shape[1], dtype=np.float32)
        for part in self.parts:
            part.add_risk(columns, total)
        return total / np.float32(len(self.parts))

    def attributions(self, rows: np.ndarray, typical: np.ndarray) -> np.ndarray:
        """Share out the risk's difference from the typical player's, float32 [n, F]; see `Model.explain`."""
        found = np.zeros(rows.shape, dtype=np.float32)
        for part in self.parts:
            found += part.attributions(rows, typical)
        return found / np.float32(len(self.parts))
