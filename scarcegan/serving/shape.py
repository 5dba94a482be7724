"""The shape of a model's plain arrays, checked where a model is archived and where it is read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.problems import RegistryProblem


def check_model(model: Mapping[str, Any]) -> None:
    """Check that a model's arrays fit together and are finite.

    Raises:
        RegistryProblem: naming the part, the layer and both shapes.
        KeyError: a key is missing.
    """
    classes, features = len(model["class_names"]), len(model["feature_names"])
    if not model["parts"]:
        raise RegistryProblem("expected a model with at least one part, got none: select members first")
    if not 0 <= model["rare_index"] < classes:
        raise RegistryProblem(
            f"expected a rare_index below {classes}, got {model['rare_index']}: "
            "give the rare class's place in class_names"
        )
    if not np.isfinite(model["threshold"]):
        raise RegistryProblem(f"expected a finite threshold, got {model['threshold']}: choose an operating point")
    for number, part in enumerate(model["parts"]):
        _check_part(f"part {number}", part, features, classes)


def _check_part(name: str, part: Mapping[str, Any], features: int, classes: int) -> None:
    if not 0 <= part["slope"] <= 1:
        raise RegistryProblem(f"expected {name}'s slope in [0, 1], got {part['slope']}: give LeakyReLU's slope")
    for key in ("knots", "values"):
        _expect(f"{name}'s scaler {key}", part["scaler"][key], (features, None))
    members, width = len(part["layers"][0]["weights"]), features
    if "thresholds" in part["layers"][0]:
        width += _steps(name, part["layers"][0], members, features)
    for depth, layer in enumerate(part["layers"]):
        last = depth + 1 == len(part["layers"])
        _expect(
            f"{name}'s weights of layer {depth}",
            layer["weights"],
            (members, width, classes if last else None),
        )
        width = layer["weights"].shape[2]
        _expect(f"{name}'s bias of layer {depth}", layer["bias"], (members, width))


def _steps(name: str, first: Mapping[str, Any], members: int, features: int) -> int:
    """Return how many inputs the steps of the first layer are."""
    thresholds = first["thresholds"]
    _expect(f"{name}'s thresholds", thresholds, (members, None))
    _expect(f"{name}'s steepness", first["steepness"], (members,))
    if thresholds.shape[1] % features:
        raise RegistryProblem(
            f"expected {name}'s thresholds in multiples of {features} features, got {thresholds.shape[1]}: "
            "take the arrays as the training left them"
        )
    return int(thresholds.shape[1])


def _expect(name: str, array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
    if not fits or array.size == 0:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise RegistryProblem(
            f"expected {name} as [{wanted}], got {list(array.shape)}: take the arrays as the training left them"
        )
    if array.dtype != np.float32:
        raise RegistryProblem(f"expected {name} as float32, got {array.dtype}: convert it")
    if not np.isfinite(array).all():
        raise RegistryProblem(f"expected finite numbers in {name}, got NaN or infinity: drop that member")
