"""What a model looks at, on a sample of test players: importance of features and a few reasons in words."""

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import ExplainedPlayer, Explanation, Importance

# As many flagged players as others: of a sample drawn at random hardly anybody would be flagged.
FLAGGED, OTHERS = 150, 150
EXAMPLES = 5
STEPS = 8  # means over hundreds of players need no finer path
SIGNIFICANT_DIGITS = 2  # of an example's values: nobody is to be recognised by theirs


def explain_model(
    model: Model,
    test_set: str,
    features: np.ndarray,
    truth: np.ndarray,
    typical: np.ndarray,
    seed: int,
    score: np.ndarray | None = None,
) -> Explanation:
    """Explain a model on test players: those flagged with the highest scores, and as many others drawn at random.

    Features are float [n, F], raw; truth is int [n]: 1 risky, 0 not, -1 not known. Attributions count from the
    typical player, float [F], raw. Importance is the mean absolute attribution; an example's values are rounded. The
    score is the model's `risk` of them, where it is known.
    """
    score = model.risk(features) if score is None else score
    flagged = np.flatnonzero(model.flags(score))
    falling = flagged[np.argsort(-score[flagged], kind="stable")][:FLAGGED]
    others = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(score)), flagged))[:OTHERS]
    sample = np.concatenate([falling, others])
    attributions = model.explain(features[sample], typical, STEPS)
    # Spread over all flagged scores: borderline players are shown beside the surest ones.
    shown = np.unique(np.linspace(0, len(falling) - 1, EXAMPLES if len(falling) else 0).astype(int))
    # Attributions belong to the true values; only what is shown is rounded.
    told = model.reasons(_rounded(features[sample[shown]]), attributions[shown], _rounded(typical))
    mean = np.abs(attributions).mean(axis=0)
    known = truth != UNKNOWN_TRUTH
    return Explanation(
        definition=model.definition,
        test_set=test_set,
        players=len(sample),
        flagged=len(falling),
        importance=[Importance(model.feature_names[at], float(mean[at])) for at in np.argsort(-mean, kind="stable")],
        examples=[
            ExplainedPlayer(float(_rounded(score[row])), bool(truth[row]) if known[row] else None, reasons)
            for row, reasons in zip(sample[shown], told, strict=True)
        ],
    )


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round to a few significant digits."""
    values = np.asarray(values, np.float64)
    # The least size keeps the logarithm of 0 finite; 0 itself stays 0.
    size = np.floor(np.log10(np.maximum(np.abs(values), 1e-30)))
    unit = 10.0 ** (size - (SIGNIFICANT_DIGITS - 1))
    return np.round(values / unit) * unit
