"""The parts of a model: what one family of one fold puts into it, whatever its kind.

ScarceGAN's parts tell the classes apart (`Networks`), those of other families say how risky a player is (`Linear`,
`Trees`). Another kind is a class that does what one of them does, and its place in `KINDS` or `RISK_KINDS`.

Raw columns are float32 [F, n], a player per column, NaN where missing; they are left as they are. Raw rows are [n, F],
the typical player is [F]. `add_risk` adds each player's probability of being risky to a total, float32 [n];
`attributions` shares out its difference from the typical player's, float32 [n, F]; `add_risk_to` adds the part to a
TensorFlow graph that has the columns under this name, and returns the name of the risks, float32 [n].
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from scarcegan.problems import RegistryProblem
from scarcegan.serving.linear import Linear
from scarcegan.serving.networks import Networks
from scarcegan.serving.trees import Trees

# Archives name these kinds: models of a kind that is renamed cannot be read any more.
KINDS = {kind.kind: kind for kind in (Networks,)}
RISK_KINDS = {kind.kind: kind for kind in (Linear, Trees)}


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


def _written(part: Networks | Linear | Trees) -> dict[str, Any]:
    return {"kind": part.kind, **part.to_plain()}


# Fields of records that hold any kind of part; plain data say the kind. Models of a time before kinds have networks.
AnyPart = Annotated[
    Networks, PlainValidator(lambda plain: _read(plain, KINDS, Networks.kind)), PlainSerializer(_written)
]
AnyRiskPart = Annotated[
    Linear | Trees, PlainValidator(lambda plain: _read(plain, RISK_KINDS)), PlainSerializer(_written)
]
