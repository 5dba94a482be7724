import itertools

import numpy as np
import pytest

FEATURES, KNOTS = 6, 9


def _layer(rng, members, inputs, outputs):
    return {
        "weights": rng.normal(size=(members, inputs, outputs)).astype(np.float32),
        "bias": rng.normal(size=(members, outputs)).astype(np.float32),
    }


def _part(rng, members, widths, thresholds):
    sizes = [FEATURES * (1 + thresholds), *widths]
    layers = [_layer(rng, members, inputs, outputs) for inputs, outputs in itertools.pairwise(sizes)]
    if thresholds:
        places = rng.normal(size=(members, FEATURES * thresholds)).astype(np.float32)
        layers[0] |= {"thresholds": places, "steepness": np.full(members, 2.0, dtype=np.float32)}
    return {
        "scaler": {
            "kind": "quantile_normal",
            "knots": np.sort(rng.normal(size=(FEATURES, KNOTS)), axis=1).astype(np.float32),
            "values": np.tile(np.linspace(-3, 3, KNOTS, dtype=np.float32), (FEATURES, 1)),
        },
        "layers": layers,
        "slope": 0.2,
    }


@pytest.fixture
def make_model():
    """A model of two parts with different member counts, so that a mean of means would show."""

    def make(seed=0, classes=("dormant", "normal", "risky", "unknown"), members=(2, 3), thresholds=0):
        rng = np.random.default_rng(seed)
        return {
            "class_names": list(classes),
            "rare_index": 2,
            "feature_names": [f"feature_{number}" for number in range(FEATURES)],
            "threshold": 0.25,
            "definition": "balanced",
            "parts": [_part(rng, count, (8, 5, len(classes)), thresholds) for count in members],
        }

    return make


@pytest.fixture
def raw():
    return np.random.default_rng(1).normal(size=(37, FEATURES)).astype(np.float32)
