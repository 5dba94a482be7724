"""The rivals of a run, trained on its players while the models wait: an evaluation need not repeat it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scarcegan.data.folds import few_unlabeled, in_folds
from scarcegan.data.scaling import fit_scaler
from scarcegan.evaluation.rivals import train_rival
from scarcegan.settings import Settings
from scarcegan.settings.model_sections import RivalName
from scarcegan.workflow.retraining.prepare import Prepared

MOST_UNLABELED = 20_000  # more cost time, not a rival's quality


def train_rivals(prepared: Prepared, settings: Settings, threads: int) -> dict[str, dict[str, np.ndarray]]:
    """Train every rival of `evaluate.rivals` on the players of all folds: each member of a fold saw fewer of them.

    Those are all labelled players of the pool, and a sample of the unlabelled ones for the rivals that learn from them.

    So many rivals as threads are trained at once, each on one thread: their trees are too small to share. The result
    has each rival's risk scores of the test players: name -> test set -> float64 array [n].

    Raises:
        DataProblem: the labelled players are all risky, or none is.
    """
    from threadpoolctl import threadpool_limits

    labels, features = prepared.players.labels, prepared.players.features
    pool = np.flatnonzero(prepared.fold >= 0)
    trained = np.flatnonzero(in_folds(prepared.fold, settings.folds.k))
    trained = np.sort(few_unlabeled(prepared.players, trained, MOST_UNLABELED, settings.seed))
    scaler = fit_scaler(features, settings.scaling, pool)
    inputs, rare = scaler.apply(features, trained), len(settings.populations.negatives)
    tests = {name: scaler.apply(features, rows) for name, rows in prepared.test_rows().items()}

    def of_rival(name: RivalName) -> dict[str, np.ndarray]:
        risk_scores = train_rival(name, inputs, labels[trained], rare, seed=settings.seed)
        return {test: risk_scores(scaled) for test, scaled in tests.items()}

    names = settings.evaluate.rivals
    # BLAS knows one limit for the whole process: held here, a rival that is done does not lift it for the others.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as at_once:
        return dict(zip(names, at_once.map(of_rival, names), strict=True))
