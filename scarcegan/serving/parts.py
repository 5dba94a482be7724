"""The parts of a model: what one family of one fold puts into it, whatever its kind.

Another kind is a class that does what `Part` says, and its place in `KINDS`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Protocol, Self

import numpy as np
from pydantic import PlainSerializer, PlainValidator

from scarcegan.problems import RegistryProblem
from scarcegan.serving.networks import Networks
from scarcegan.serving.wire import Graph


class Part(Protocol):
    """What a model asks of its parts.

    A model is the weighted mean of its parts: each adds `weight` times its own mean, and the model divides by the sum
    of the weights.
    """

    kind: ClassVar[str]

    @property
    def weight(self) -> float:
        """What the part counts beside others, > 0."""

    @property
    def fills_missing(self) -> bool:
        """Whether the part fills missing values; one that was trained before there were any does not."""

    def check(self, name: str, features: int, classes: int) -> None:
        """Refuse, with a RegistryProblem, arrays that do not fit together or to so many features and classes."""

    def add_probabilities(self, columns: np.ndarray, total: np.ndarray) -> None:
        """Add `weight` times the class probabilities of players to a total, float32 [classes, n].

        Columns are float32 [F, n], raw, a player per column; they are left as they are. Probabilities of a player with
        a missing value (NaN) are NaN if the part cannot fill it.
        """

    def attributions(self, rows: np.ndarray, typical: np.ndarray, rare: int, steps: int) -> np.ndarray:
        """Share out `weight` times the difference of the rare class's probability from the typical player's.

        Rows [n, F] and the typical player [F] are raw; `steps` points lie between them. Returns float32 [n, F].
        """

    def add_to(self, graph: Graph, columns: str) -> str:
        """Add the part to a TensorFlow graph that has raw features, float32 [F, n], under the name `columns`.

        Returns the name of `weight` times the part's class probabilities, float32 [n, classes].
        """

    def to_plain(self) -> dict[str, Any]:
        """Return the part as dicts, lists, numbers, text and arrays."""

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """Read what `to_plain` returned."""


# Archives name these kinds: models of a kind that is renamed cannot be read any more.
KINDS: Mapping[str, type[Part]] = {kind.kind: kind for kind in (Networks,)}


def _from_plain(plain: Part | Mapping[str, Any]) -> Part:
    if not isinstance(plain, Mapping):
        return plain
    kind = plain.get("kind", Networks.kind)  # models of a time before kinds have networks alone
    if kind not in KINDS:
        raise RegistryProblem(
            f"expected parts of kind {', '.join(KINDS)}, got '{kind}': use the scarcegan version that wrote the model"
        )
    return KINDS[kind].from_plain(plain)


# A field of a record that holds any kind of part; plain data say the kind.
AnyPart = Annotated[
    Part, PlainValidator(_from_plain), PlainSerializer(lambda part: {"kind": part.kind, **part.to_plain()})
]
