"""Splits on scaled inputs as splits on raw features: the same way for every player, to the last bit.

Each input is a function of one raw feature that never falls, so that a split on it is one on the feature: its threshold
is the largest raw float32 that still goes left.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.serving.lookup import float_keys

Map = Callable[[np.ndarray], np.ndarray]


def raw_splits(scaler: Scaler, inputs: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carry splits back to raw features; a player goes left where the scaled input is at most the threshold.

    Inputs are int [nodes], each below the scaler's width, or -1 where there is no split; thresholds float64 [nodes].
    Returns the features, int32, the raw thresholds, float32 (-inf where all values go right), and whether a missing
    value goes left, bool.
    """
    features = np.array([*range(len(scaler.knots)), *scaler.indicators, -1], dtype=np.int32)[inputs]
    raw, missing_left = np.zeros(len(inputs), dtype=np.float32), np.zeros(len(inputs), dtype=bool)
    for number in np.unique(inputs[inputs >= 0]):
        scaled, nodes = _map_to(scaler, int(number)), inputs == number
        raw[nodes] = _last_left(scaled, thresholds[nodes])
        missing_left[nodes] = scaled(np.array([np.nan], dtype=np.float32)) <= thresholds[nodes]
    return features, raw, missing_left


def _map_to(scaler: Scaler, number: int) -> Map:
    """Return the scaler's own arithmetic from one raw feature to one input: a scaler of that feature alone."""
    is_indicator = number >= len(scaler.knots)
    feature = scaler.indicators[number - len(scaler.knots)] if is_indicator else number
    own = slice(feature, feature + 1)
    fill = None if scaler.fill is None else scaler.fill[own]
    # An indicator is the last input, behind the feature's.
    indicators = (0,) if is_indicator else ()
    alone = replace(scaler, knots=scaler.knots[own], values=scaler.values[own], fill=fill, indicators=indicators)
    return lambda raw: alone.apply(raw[:, None])[:, -1]


def _last_left(scaled: Map, thresholds: np.ndarray) -> np.ndarray:
    """Find the largest finite float32 whose scaled value is at most each threshold, -inf where there is none.

    Thresholds are float64 [n]. A bisection halves the floats between, not the distance: 32 steps find any float.
    """
    ends = float_keys(np.array([-np.inf, np.inf], dtype=np.float32))
    low, high = (np.full(len(thresholds), end, dtype=np.int64) for end in ends)
    while (high - low > 1).any():
        middle = (low + high) // 2
        # As the libraries compare: float32 inputs with float64 thresholds.
        goes_left = scaled(_float(middle)) <= thresholds
        low, high = np.where(goes_left, middle, low), np.where(goes_left, high, middle)
    return _float(low)


def _float(keys: np.ndarray) -> np.ndarray:
    """Return the float32 of each key; see `float_keys`."""
    return np.where(keys >= 0, keys, keys ^ 0x7FFFFFFF).astype(np.int32).view(np.float32)
