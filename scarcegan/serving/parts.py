"""The parts of a model: what one family of one fold puts into it, whatever its kind.

Another kind is a class that does what `Part` says, and a line in `KINDS`.
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

    A model's probabilities are the weighted mean of its parts' own: each part adds `weight` times its mean, and the
    model divides by the sum of the weights.
    """

    kind: ClassVar[str]

    @property
    def members(self) -> int:
        """How many networks (or trees) were trained."""

    @property
    def weight(self) -> float:
        """What the part counts beside others, > 0."""

    def check(self, name: str, features: int, classes: int) -> None:
        """Refuse, with a RegistryProblem, arrays that do not fit together or to so many features and classes."""

    def add_probabilities(self, columns: np.ndarray, total: np.ndarray) -> None:
        """Add `weight` times the part's class probabilities.

        Args:
            columns: float32 array [F, n], raw and finite, a player per column; left as it is.
            total: float32 array [classes, n].
        """

    def attributions(self, rows: np.ndarray, typical: np.ndarray, rare: int, steps: int) -> np.ndarray:
        """Share `weight` times the difference of the rare class's probability from the typical player's out.

        Args:
            rows: float array [n, F], raw.
            typical: float array [F], raw.
            rare: class index.
            steps: points to look at on the way from the typical player to each row.

        Returns:
            float32 array [n, F].
        """

    def add_to(self, graph: Graph, columns: str) -> str:
        """Add the part to a TensorFlow graph.

        Args:
            graph: has raw features, float32 [F, n].
            columns: their name in it.

        Returns:
            The name of `weight` times the part's class probabilities, float32 [n, classes].
        """

    def to_plain(self) -> dict[str, Any]:
        """Return the part as dicts, lists, numbers, text and arrays."""

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """Read what `to_plain` returned."""


KINDS: Mapping[str, type[Part]] = {kind.kind: kind for kind in (Networks,)}


def part_to_plain(part: Part) -> dict[str, Any]:
    """Return a part's plain data with its `kind`."""
    return {"kind": part.kind, **part.to_plain()}


def part_from_plain(plain: Part | Mapping[str, Any]) -> Part:
    """Read what `part_to_plain` returned; a part without a kind is of a time when all were networks.

    Raises:
        RegistryProblem: a kind that this version does not know.
    """
    if not isinstance(plain, Mapping):
        return plain
    kind = plain.get("kind", Networks.kind)
    if kind not in KINDS:
        raise RegistryProblem(
            f"expected parts of kind {', '.join(KINDS)}, got '{kind}': use the scarcegan version that wrote the model"
        )
    return KINDS[kind].from_plain(plain)


# For the fields of records: any kind of part, with its kind in the plain data.
AnyPart = Annotated[Part, PlainValidator(part_from_plain), PlainSerializer(part_to_plain)]
