"""What the run's model looks at, on a sample of test players: importance of features and a few reasons in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED
from scarcegan.serving.explain import integrated_gradients, reasons
from scarcegan.serving.forward import risk_score
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared

FLAGGED, OTHERS = 150, 150
EXAMPLES = 5
STEPS = 8  # means over hundreds of players need no finer path
SIGNIFICANT_DIGITS = 2  # of an example's values: nobody is to be recognised by theirs


def explain_model(
    prepared: Prepared, test_rows: np.ndarray, model: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Explain a model on test players: those flagged with the highest scores, and as many others drawn at random.

    Args:
        prepared: the players; attributions count from the median of the unlabelled ones of the pool.
        test_rows: int array, the test set's rows of the players.
        model: plain arrays with a `threshold`.
        settings: seed and class names.

    Returns:
        `players` (sampled) and `flagged` (of them); `importance`: per feature its `mean_attribution`, the mean
        absolute integrated gradient in units of risk score, falling; `examples`: flagged players without name,
        values rounded, each with `score`, `risky` (None: not known) and `reasons` (see `serving.explain`).
    """
    features = prepared.players.features
    score = risk_score(model, features[test_rows])
    flagged = np.flatnonzero(score >= np.float32(model["threshold"]))
    falling = flagged[np.argsort(-score[flagged], kind="stable")][:FLAGGED]
    others = np.random.default_rng(settings.seed).permutation(np.setdiff1d(np.arange(len(score)), flagged))[:OTHERS]
    sample = np.concatenate([falling, others])
    typical = np.median(features[(prepared.fold >= 0) & (prepared.players.labels == UNLABELED)], axis=0)
    rows = features[test_rows[sample]]
    attributions = integrated_gradients(model, rows, typical, STEPS)
    importance = np.abs(attributions).mean(axis=0)
    shown = np.unique(np.linspace(0, len(falling) - 1, EXAMPLES if len(falling) else 0).astype(int))
    told = reasons(model, _rounded(rows), attributions, _rounded(typical))
    return {
        "players": len(sample),
        "flagged": len(falling),
        "importance": [
            {"feature": model["feature_names"][at], "mean_attribution": float(importance[at])}
            for at in np.argsort(-importance, kind="stable")
        ],
        "examples": [
            {
                "score": float(_rounded(score[sample[at]])),
                "risky": _is_risky(prepared, test_rows[sample[at]], settings),
                "reasons": told[at],
            }
            for at in shown
        ],
    }


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round to a few significant digits."""
    values = np.asarray(values, np.float64)
    size = np.floor(np.log10(np.maximum(np.abs(values), 1e-30)))
    unit = 10.0 ** (size - (SIGNIFICANT_DIGITS - 1))
    return np.round(values / unit) * unit


def _is_risky(prepared: Prepared, row: int, settings: Settings) -> bool | None:
    truth, rare = prepared.players.truth[row], len(settings.populations.negatives)
    if truth != UNKNOWN_TRUTH:
        return bool(truth == 1)
    return True if prepared.players.labels[row] == rare else None
