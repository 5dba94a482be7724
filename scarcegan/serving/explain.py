"""Why a player has this risk score: integrated gradients on plain arrays, and the reasons they give in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.serving.forward import check_width, one_blas_thread, softmax, with_steps
from scarcegan.serving.lookup import ColumnScaler

# Points on all paths of a chunk, so that one layer's activations stay in a core's cache.
CHUNK_POINTS = 4_096


def integrated_gradients(
    model: Mapping[str, Any], rows: np.ndarray, typical: np.ndarray, steps: int = 16
) -> np.ndarray:
    """Share the difference between each player's risk score and the typical player's out to the features.

    A player's row sums to score(row) - score(typical), but for the quadrature's error: at 16 steps about a percent
    of the scores' range. The path is straight in each part's *scaled* space: there a step moves every feature by
    a like share of the population, while a raw path would cross most of a long-tailed feature in its first step.
    Each feature has its own monotone scaler, so what the scaled feature gets is the raw feature's.

    Args:
        model: plain arrays, see `scarcegan.serving.archive`.
        rows: float array [n, F], raw features in the order of `feature_names`.
        typical: float array [F], raw; where the paths start, such as the medians of unlabelled players.
        steps: points on each path (Gauss-Legendre).

    Returns:
        float32 array [n, F], in units of risk score.

    Raises:
        DataProblem: another number of features than the model was trained on.

    Source: Sundararajan, Taly and Yan (2017), Axiomatic Attribution for Deep Networks, eq. 1.
    """
    check_width(model, rows)
    check_width(model, typical[None, :])
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    places, shares = ((nodes + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32)
    members = sum(len(part["layers"][0]["weights"]) for part in model["parts"])
    attributions = np.zeros(rows.shape, dtype=np.float32)
    for part in model["parts"]:
        scaler = ColumnScaler(Scaler.from_arrays(part["scaler"]))
        start = scaler.apply(_columns(typical[None, :]))
        for chunk in _chunks(len(rows), max(1, CHUNK_POINTS // steps)):
            way = scaler.apply(_columns(rows[chunk])) - start
            with one_blas_thread():
                slopes = sum(
                    _mean_gradient(part, member, model["rare_index"], start, way, places, shares)
                    for member in range(len(part["layers"][0]["weights"]))
                )
            attributions[chunk] += (slopes * way).T
    return attributions / np.float32(members)


def reasons(
    model: Mapping[str, Any], rows: np.ndarray, attributions: np.ndarray, typical: np.ndarray, count: int = 3
) -> list[list[dict[str, Any]]]:
    """Name for each player the features that raised the risk score most, the strongest first.

    Args:
        model: plain arrays, see `scarcegan.serving.archive`.
        rows: float array [n, F], raw features.
        attributions: float array [n, F] of these rows, from `integrated_gradients`.
        typical: float array [F], the raw row that the attributions count from.
        count: reasons per player at most; fewer where fewer features raised the score.

    Returns:
        One list per player of dicts: `feature`; `value` and `typical`, raw; `attribution`, risk score; `words`, such
        as "share active days 0.93, typical 0.21 (+0.18)".
    """
    strongest = np.argsort(-attributions, axis=1, kind="stable")[:, :count]
    names = model["feature_names"]
    return [
        [_reason(names[i], float(row[i]), float(typical[i]), float(shares[i])) for i in order if shares[i] > 0]
        for row, shares, order in zip(rows, attributions, strongest, strict=True)
    ]


def _mean_gradient(
    part: Mapping[str, Any],
    member: int,
    rare: int,
    start: np.ndarray,
    way: np.ndarray,
    places: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """Return one member's gradient of the rare class's probability, averaged over each path, [F, n].

    Without steps the first layer is linear along a path and its gradient the same product for all points: the wide
    matrix is multiplied once per player, not once per point.
    """
    layers = [(layer["weights"][member], layer["bias"][member][:, None]) for layer in part["layers"]]
    first, bias = layers[0]
    has_steps = "thresholds" in part["layers"][0]
    if has_steps:
        path = _points(start, way, places)
        before = [first.T @ with_steps(part["layers"][0], member, path) + bias]
    else:
        before = [_points(first.T @ start + bias, first.T @ way, places)]
    for weights, bias in layers[1:]:
        x = before[-1]
        before.append(weights.T @ np.maximum(x, part["slope"] * x) + bias)
    gradient = _probability_gradient(before.pop(), rare)
    for (weights, _), x in zip(reversed(layers[1:]), reversed(before), strict=True):
        gradient = weights @ gradient
        gradient[x < 0] *= part["slope"]
    if has_steps:
        gradient = _through_steps(part["layers"][0], member, path, first @ gradient)
        return gradient.reshape(len(way), -1, len(shares)) @ shares
    return first @ (gradient.reshape(len(gradient), -1, len(shares)) @ shares)


def _points(start: np.ndarray, way: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the points on each path: columns start [F, 1] and way [F, n] to [F, n x places]."""
    return (start[:, :, None] + way[:, :, None] * places).reshape(len(way), -1)


def _through_steps(first: Mapping[str, Any], member: int, path: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Turn the gradient of features and steps [inputs, points] into that of the features [F, points]."""
    features, steepness = len(path), first["steepness"][member]
    whole = gradient[:features].copy()
    for start in range(0, len(gradient) - features, features):
        distance = path - first["thresholds"][member, start : start + features, None]
        is_on_step = np.abs(steepness * distance) < 1.0
        whole += steepness * is_on_step * gradient[features + start : 2 * features + start]
    return whole


def _probability_gradient(logits: np.ndarray, rare: int) -> np.ndarray:
    """Return d softmax(logits)[rare] / d logits, [classes, points]."""
    probabilities = softmax(logits)
    gradient = -probabilities * probabilities[rare]
    gradient[rare] += probabilities[rare]
    return gradient


def _reason(feature: str, value: float, typical: float, attribution: float) -> dict[str, Any]:
    name = feature.replace("_", " ")
    words = f"{name} {_figure(value)}, typical {_figure(typical)} ({attribution:+.2g})"
    return {"feature": feature, "value": value, "typical": typical, "attribution": attribution, "words": words}


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _columns(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows.T, dtype=np.float32)


def _chunks(count: int, size: int) -> Sequence[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]
