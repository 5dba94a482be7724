"""What a model looks at, on a sample of test players: importance of features and a few reasons in words."""

from collections.abc import Mapping

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import ExplainedPlayer, Explanation, Importance
from scarcegan.workflow.retraining.prepare import Prepared

# As many flagged players as others: of a sample drawn at random hardly anybody would be flagged.
FLAGGED, OTHERS = 150, 150
EXAMPLES = 5
STEPS = 8  # means over hundreds of players need no finer path
SIGNIFICANT_DIGITS = 2  # of an example's values: nobody is to be recognised by theirs


def explain_on_test(
    prepared: Prepared, model: Model, seed: int, probabilities: Mapping[str, np.ndarray]
) -> Explanation:
    """Explain a model on test players: those flagged with the highest scores, and as many others drawn at random.

    They are of the first test set; the model's class probabilities are by test set, see `judge.challengers_of`.
    Attributions count from the median of the unlabelled pool. Importance is the mean absolute attribution; an example's
    values are rounded.
    """
    players = prepared.players
    test_set, rows = next(iter(prepared.test_rows().items()))
    features, score, truth = players.features[rows], probabilities[test_set][:, model.rare_index], players.truth[rows]
    truth = np.where((truth == UNKNOWN_TRUTH) & (players.labels[rows] == model.rare_index), 1, truth)
    typical = np.nanmedian(players.features[(prepared.fold >= 0) & (players.labels == UNLABELED)], axis=0)
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
