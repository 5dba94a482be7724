"""The rivals of a run, trained on its players while the models wait: an evaluation need not repeat it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from scarcegan.data.folds import few_unlabeled, in_folds
from scarcegan.data.scaling import fit_scaler
from scarcegan.families.estimators import MOST_UNLABELED, fit_estimator
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings
from scarcegan.words import Say, unsaid
from scarcegan.workflow.retraining.prepare import Prepared


@dataclass(frozen=True)
class Rivals:
    """What the rivals say of the test players: name -> test set -> risk, float64 [n]; and what could not be trained."""

    scores: dict[str, dict[str, np.ndarray]]
    warnings: Sequence[str]


def train_rivals(prepared: Prepared, settings: Settings, threads: int, say: Say = unsaid) -> Rivals:
    """Train every rival of `evaluate.rivals` on the players of all folds: each member of a fold saw fewer of them.

    Those are all labelled players of the pool, and a sample of the unlabelled ones for the rivals that learn from them.
    So many rivals as threads are trained at once, each on one thread: their trees are too small to share. `say` is told
    of each, from those threads.
    """
    from threadpoolctl import threadpool_limits

    labels, features = prepared.players.labels, prepared.players.features
    pool = np.flatnonzero(prepared.fold >= 0)
    trained = np.flatnonzero(in_folds(prepared.fold, settings.folds.k))
    trained = np.sort(few_unlabeled(prepared.players, trained, MOST_UNLABELED, settings.seed))
    scaler = fit_scaler(features, settings.scaling, pool)
    inputs, rare = scaler.apply(features, trained), len(settings.populations.negatives)
    tests = {name: scaler.apply(features, rows) for name, rows in prepared.test_rows().items()}
    estimators = settings.rivals

    def of_rival(name: str) -> dict[str, np.ndarray] | str:
        say(f"Training rival {name}")
        try:
            fitted = fit_estimator(estimators[name], inputs, labels[trained], rare, settings.seed)
            return {test: fitted.risk(scaled) for test, scaled in tests.items()}
        except DataProblem as problem:
            return str(problem)

    # BLAS knows one limit for the whole process: held here, a rival that is done does not lift it for the others.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as at_once:
        told = dict(zip(estimators, at_once.map(of_rival, estimators), strict=True))
    return Rivals(
        {name: found for name, found in told.items() if not isinstance(found, str)},
        [f"rival '{name}' is left out of the comparison: {why}" for name, why in told.items() if isinstance(why, str)],
    )
