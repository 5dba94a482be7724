"""The contract: what an estimator must do to take part, and what is said of one that breaks it."""

import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from scarcegan.families.contract import check_estimator
from scarcegan.settings.estimators import BUILT_IN, Estimator

PROMISES = 5


class Bayes(GaussianNB):
    """An estimator that keeps the contract; those below break it, each in its own way."""

    learns_from_unlabeled = False

    def fit(self, X, y):
        return super().fit(X[y >= 0], y[y >= 0])


class Learner(Bayes):
    learns_from_unlabeled = True


class Moody(Bayes):
    def predict_proba(self, X):
        return super().predict_proba(X) ** self.mood

    def fit(self, X, y):
        self.mood = np.random.default_rng().uniform(1, 3)
        return super().fit(X, y)


class Relative(Bayes):
    """It scores players beside one another."""

    def predict_proba(self, X):
        told = super().predict_proba(X)
        return told / told.max(axis=0)


class Careless(Bayes):
    def predict_proba(self, X):
        told = super().predict_proba(X)
        X[:] = 0
        return told


class ThreeClasses(GaussianNB):
    learns_from_unlabeled = True


class Contrary(Bayes):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


class Mute(Bayes):
    def predict_proba(self, X):
        raise NotImplementedError("later")


class Vague(Bayes):
    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


class Shy(Bayes):
    """It scores no single player."""

    def predict_proba(self, X):
        if len(X) == 1:
            raise ValueError("too few")
        return super().predict_proba(X)


@pytest.fixture(autouse=True)
def mine(monkeypatch):
    module = ModuleType("mine")
    kinds = (Bayes, Learner, Moody, Relative, Careless, ThreeClasses, Contrary, Mute, Vague, Shy)
    vars(module).update({kind.__name__: kind for kind in kinds})
    monkeypatch.setitem(sys.modules, "mine", module)


def checked(name, **how):
    return check_estimator(Estimator(name="mine", path=f"mine:{name}", **how))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_estimator_keeps_the_contract(name):
    chosen = BUILT_IN[name]
    trees = {"n_estimators": 30} if "n_estimators" in chosen.parameters else {}
    told = check_estimator(chosen.model_copy(update={"parameters": {**chosen.parameters, **trees}}))
    assert told.broken == ()
    assert len(told.kept) == PROMISES
    assert (told.rival_only == "") == (
        name not in ("gradient_boosting", "logistic_regression", "logistic_regression_shrunk")
    )


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("Bayes", {}),
        ("Bayes", {"target": "classes"}),
        ("Bayes", {"unlabeled": "negatives"}),
        ("Bayes", {"unlabeled": "marked"}),
        ("Learner", {}),
    ],
)
def test_what_cannot_be_stored_keeps_the_contract_as_a_rival(name, how):
    told = checked(name, **how)
    assert (told.broken, len(told.kept)) == ((), PROMISES)
    assert "'mine' cannot be stored as plain arrays (expected trees of scikit-learn" in told.rival_only
    assert f"got {name} with" in told.rival_only


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Moody", "expected the same risks of each training under one seed, also of two at once, got a difference of"),
        ("Relative", "expected the same risk of a player alone and among others, got a difference of"),
        ("Careless", "expected predict_proba(X) to leave X as it is, got other values in it; work on a copy"),
        ("ThreeClasses", "expected classes_ without -1, which says that a row has no label, got [-1, 0, 1]; learn"),
        ("Contrary", "expected a ROC-AUC of 0.75 or more on an easy problem, got 0.0"),
        ("Shy", "expected predict_proba(X) of any players, got ValueError: too few; mend it"),
    ],
)
def test_one_broken_promise_is_one_message_that_says_what_to_do(name, message):
    told = checked(name)
    [broken] = told.broken
    assert broken.startswith("'mine' breaks ")
    assert message in broken
    assert ";" in broken.partition(message[:20])[2]
    assert len(told.kept) == PROMISES - 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Mute", "expected predict_proba(X) of any players, got NotImplementedError: later"),
        ("Vague", "expected finite probabilities, got 332 NaN or infinite"),
        ("Nobody", "expected 'mine:Nobody' of 'mine' to be installed"),
    ],
)
def test_what_cannot_be_trained_and_asked_is_one_message_and_nothing_else(name, message):
    told = checked(name)
    [broken] = told.broken
    assert message in broken
    assert (told.kept, told.rival_only) == ((), "")


def test_all_that_is_broken_is_said_at_once(monkeypatch):
    monkeypatch.setattr(Moody, "predict_proba", lambda self, X: np.full((len(X), 2), self.mood / 4 + len(X) / 10_000))
    assert len(checked("Moody").broken) == 3


@pytest.mark.slow  # with `make bench` only
def test_lightgbm_can_be_a_family():
    pytest.importorskip("lightgbm")
    told = check_estimator(
        Estimator(name="boosted", path="lightgbm:LGBMClassifier", parameters={"n_estimators": 30, "verbosity": -1})
    )
    assert (told.broken, told.rival_only) == ((), "")
