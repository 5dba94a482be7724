"""What an estimator must do to take part, checked in seconds on made-up players."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.data.scaling import Scaler, fit_scaler
from scarcegan.families.arrays import part_of
from scarcegan.families.estimators import Fitted, fit_estimator, running
from scarcegan.problems import DataProblem
from scarcegan.records import Record
from scarcegan.settings import Scaling
from scarcegan.settings.estimators import Estimator

_RARE = 2  # the negatives are 0 and 1
_SIZES = {_RARE: 12, 0: 60, 1: 60, UNLABELED: 200}
_SEED = 7
_SAME = 1e-6
_ALONE = 40  # from one player who is scored alone to the next
_LEARNT = 0.75  # of a ROC-AUC that is 0.99 for whoever learns, and 0.5 for whoever guesses


class Contract(Record):
    """What an estimator keeps of the contract, and what it breaks, a sentence each.

    `rival_only` says why it cannot be stored in a model; empty where it can be a family.
    """

    kept: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    rival_only: str = ""


def check_estimator(chosen: Estimator) -> Contract:
    """Train an estimator as a fold does, on few rare players among others, and say at once all that it breaks."""
    try:
        trial = _trial(chosen)
    except DataProblem as problem:
        return Contract(broken=(str(problem),))
    broken = {}
    for promise, check in _PROMISES.items():
        try:
            is_kept, told = check(trial)
        except DataProblem as problem:
            broken[promise] = str(problem)
        else:
            broken |= {} if is_kept else {promise: f"'{chosen.name}' breaks the contract: {told}"}
    return Contract(
        tuple(promise for promise in _PROMISES if promise not in broken),
        tuple(dict.fromkeys(broken.values())),
        _why_rival(trial),
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """An estimator that was trained on made-up players, and others whom it has not seen, scaled and with the truth."""

    train: Callable[[], Fitted]
    fitted: Fitted
    scaler: Scaler
    fresh: np.ndarray
    is_rare: np.ndarray
    risk: np.ndarray


def _trial(chosen: Estimator) -> _Trial:
    (raw, labels), (others, truth) = map(_players, np.random.default_rng(_SEED).spawn(2))
    scaler = fit_scaler(raw, Scaling())
    scaled, fresh = scaler.apply(raw), scaler.apply(others)

    def train() -> Fitted:
        return fit_estimator(chosen, scaled, labels, _RARE, _SEED)

    fitted = train()
    return _Trial(train, fitted, scaler, fresh, truth == _RARE, fitted.risk(fresh))


def _players(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return raw features, one of them constant and one with gaps, and labels; the unlabelled are harmless."""
    labels = np.repeat(list(_SIZES), list(_SIZES.values()))
    raw = rng.normal(size=(len(labels), 5))
    raw[labels == _RARE, :2] += 3
    raw[labels == 1, 2] += 1
    raw[:, 3] = 1
    raw[rng.random(len(labels)) < 0.1, 4] = np.nan
    return raw.astype(np.float32), labels


# A check returns whether the promise is kept, and what to say if it is not.
_Check = Callable[[_Trial], tuple[bool, str]]


def _leaves_players(trial: _Trial) -> tuple[bool, str]:
    asked = trial.fresh.copy()
    with running(trial.fitted.name, "predict_proba(X) of any players"):
        trial.fitted.model.predict_proba(asked)  # `risk` hands it a copy
    told = "expected predict_proba(X) to leave X as it is, got other values in it; work on a copy"
    return np.array_equal(asked, trial.fresh), told


def _repeats_itself(trial: _Trial) -> tuple[bool, str]:
    with ThreadPoolExecutor(2) as pool:
        again = [pool.submit(trial.train) for _ in range(2)]
    furthest = max(np.abs(one.result().risk(trial.fresh) - trial.risk).max() for one in again)
    return furthest <= _SAME, (
        f"expected the same risks of each training under one seed, also of two at once, got a difference of "
        f"{furthest:.2g}; take a parameter random_state and draw by it alone, and keep nothing outside of the object"
    )


def _scores_one_alone(trial: _Trial) -> tuple[bool, str]:
    some = range(0, len(trial.fresh), _ALONE)
    alone = np.concatenate([trial.fitted.risk(trial.fresh[row : row + 1]) for row in some])
    furthest = np.abs(alone - trial.risk[::_ALONE]).max()
    return furthest <= _SAME, (
        f"expected the same risk of a player alone and among others, got a difference of {furthest:.2g}; score each "
        "row by itself"
    )


def _knows_unlabelled(trial: _Trial) -> tuple[bool, str]:
    classes = np.asarray(trial.fitted.model.classes_).tolist()
    return UNLABELED not in classes, (
        f"expected classes_ without {UNLABELED}, which says that a row has no label, got {classes}; learn from such "
        'rows without a class for them, or set unlabeled = "left_out"'
    )


def _learns(trial: _Trial) -> tuple[bool, str]:
    from sklearn.metrics import roc_auc_score

    reached = roc_auc_score(trial.is_rare, trial.risk)
    return reached >= _LEARNT, (
        f"expected a ROC-AUC of {_LEARNT} or more on an easy problem, got {reached:.2f}; look at its parameters, at "
        "target and at unlabeled"
    )


def _why_rival(trial: _Trial) -> str:
    try:
        part_of(trial.fitted, trial.scaler)
    except DataProblem as problem:
        return str(problem)
    return ""


_PROMISES: Mapping[str, _Check] = {
    "it does not change the players that it scores": _leaves_players,
    "it repeats itself under one seed, also where two are trained at once": _repeats_itself,
    "it scores a player alone as among others": _scores_one_alone,
    "it makes no class of the unlabelled players": _knows_unlabelled,
    "it learns an easy problem from few rare players": _learns,
}
