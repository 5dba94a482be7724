"""Why the run's model scores test players as it does."""

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED
from scarcegan.serving.explanation import explain_model
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import Explanation
from scarcegan.workflow.retraining.prepare import Prepared


def explain_on_test(prepared: Prepared, model: Model, seed: int) -> Explanation:
    """Explain a model on drawn players of the first test set, counted from the median of the unlabelled pool."""
    players = prepared.players
    name, rows = next(iter(prepared.test_rows().items()))
    is_labeled_risky = players.labels[rows] == model.rare_index
    truth = np.where((players.truth[rows] == UNKNOWN_TRUTH) & is_labeled_risky, 1, players.truth[rows])
    typical = np.median(players.features[(prepared.fold >= 0) & (players.labels == UNLABELED)], axis=0)
    return explain_model(model, name, players.features[rows], truth, typical, seed)
