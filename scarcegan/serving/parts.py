"""The parts of a model: what one family of one fold puts into it, whatever its kind.

ScarceGAN's parts tell the classes apart (`Networks`), those of other families say how risky a player is (`RiskPart`).
Another kind is a class that does what one of them does, and its place in `KINDS` or `RISK_KINDS`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Protocol, Self

import numpy as np
from pydantic import PlainSerializer, PlainValidator

from scarcegan.problems import RegistryProblem
from scarcegan.serving.linear import Linear
from scarcegan.serving.networks import Networks
from scarcegan.serving.trees import Trees
from scarcegan.serving.wire import Graph


class RiskPart(Protocol):
    """What a model asks of the parts of the families beside ScarceGAN; see `scarcegan.serving.ensemble.Family`."""

    kind: ClassVar[str]

    @property
    def fills_missing(self) -> bool:
        """Whether the part fills missing values; one that was trained before there were any does not."""

    def to_plain(self) -> dict[str, Any]:
        """Return the part as dicts, lists, numbers, text and arrays."""

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """Read what `to_plain` returned."""

    def check(self, name: str, features: int) -> None:
        """Refuse, with a RegistryProblem, arrays that do not fit together or to so many features."""

    def add_risk(self, columns: np.ndarray, total: np.ndarray) -> None:
        """Add each player's probability of being risky to a total, float32 [n].

        Columns are float32 [F, n], raw, a player per column, NaN where missing; they are left as they are.
        """

    def attributions(self, rows: np.ndarray, typical: np.ndarray) -> np.ndarray:
        """Share out the difference of that probability from the typical player's: float32 [n, F].

        Rows [n, F] and the typical player [F] are raw.
        """

    def add_risk_to(self, graph: Graph, columns: str) -> str:
        """Add the part to a TensorFlow graph that has raw features, float32 [F, n], under the name `columns`.

        Returns the name of the risks, float32 [n].
        """


# Archives name these kinds: models of a kind that is renamed cannot be read any more.
KINDS = {kind.kind: kind for kind in (Networks,)}
RISK_KINDS: Mapping[str, type[RiskPart]] = {kind.kind: kind for kind in (Linear, Trees)}


def _read(plain: Any, kinds: Mapping[str, Any], older: str = "") -> Any:
    """Read a part by the kind that its plain data name; `older` is meant where they name none."""
    if not isinstance(plain, Mapping):
        return plain
    kind = plain.get("kind", older)
    if kind not in kinds:
        raise RegistryProblem(
            f"expected parts of kind {', '.join(kinds)}, got '{kind}': use the scarcegan version that wrote the model"
        )
    return kinds[kind].from_plain(plain)


def _written(part: Networks | RiskPart) -> dict[str, Any]:
    return {"kind": part.kind, **part.to_plain()}


# Fields of records that hold any kind of part; plain data say the kind. Models of a time before kinds have networks.
AnyPart = Annotated[
    Networks, PlainValidator(lambda plain: _read(plain, KINDS, Networks.kind)), PlainSerializer(_written)
]
AnyRiskPart = Annotated[RiskPart, PlainValidator(lambda plain: _read(plain, RISK_KINDS)), PlainSerializer(_written)]
