"""The shape of arrays that a model holds, checked where it is made and where it is read."""

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.problems import RegistryProblem


def expect_array(name: str, array: np.ndarray, *shape: int | None) -> None:
    """Raise RegistryProblem unless an array is float32, finite, not empty and of these sizes (None: any)."""
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


def check_scaler(name: str, scaler: Scaler, features: int) -> None:
    """Raise RegistryProblem unless a scaler's arrays fit together and to so many features."""
    expect_array(f"{name}'s scaler knots", scaler.knots, features, None)
    expect_array(f"{name}'s scaler values", scaler.values, features, None)
    if scaler.fill is not None:
        expect_array(f"{name}'s scaler fill", scaler.fill, features)
    if not set(scaler.indicators) <= set(range(features)):
        raise RegistryProblem(
            f"expected {name}'s indicators below {features}, got {scaler.indicators}: fit the scaler again"
        )
