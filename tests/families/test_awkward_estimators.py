"""Estimators of others behave as they like: none disturbs another, none ends the run, each is told in one message."""

import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from scarcegan.data.scaling import fit_scaler
from scarcegan.families.arrays import part_of
from scarcegan.families.contract import check_estimator
from scarcegan.families.estimators import fit_estimator
from scarcegan.problems import DataProblem
from scarcegan.settings import Scaling
from scarcegan.settings.estimators import Estimator

RARE = 1


class Bayes(GaussianNB):
    """One that behaves; those below do not."""


class Plain:
    """It has what the protocol asks for and nothing else."""

    def fit(self, X, y):
        self.model = GaussianNB().fit(X, y)
        self.classes_ = self.model.classes_

    def predict_proba(self, X):
        return self.model.predict_proba(X)


class Writes(GaussianNB):
    def fit(self, X, y):
        super().fit(X, y)
        X[:] = 0
        return self

    def predict_proba(self, X):
        told = super().predict_proba(X)
        X[:] = 0
        return told


class Leaves(GaussianNB):
    def fit(self, X, y):
        sys.exit("no licence")


class LeavesLater(GaussianNB):
    def predict_proba(self, X):
        sys.exit(3)


class Panics(GaussianNB):
    """As libraries in other languages do."""

    def fit(self, X, y):
        raise BaseException("index out of bounds")


class Wordy(GaussianNB):
    def fit(self, X, y):
        raise ValueError("\n".join(["Check failed", *["  at some frame"] * 99]))


class Interrupted(GaussianNB):
    def fit(self, X, y):
        raise KeyboardInterrupt


class Twofold(ExtraTreesClassifier):
    def fit(self, X, y):
        return super().fit(X, np.column_stack([y, y]))


class Products(LogisticRegression):
    """It makes columns of its own first, as the two below do."""

    def fit(self, X, y):
        return super().fit(PolynomialFeatures().fit_transform(X), y)

    def predict_proba(self, X):
        return super().predict_proba(PolynomialFeatures().fit_transform(X))


class TreesOnProducts(ExtraTreesClassifier):
    def fit(self, X, y):
        return super().fit(PolynomialFeatures().fit_transform(X), y)

    def predict_proba(self, X):
        return super().predict_proba(PolynomialFeatures().fit_transform(X))


class Boosted(GaussianNB):
    booster_ = "of another kind than LightGBM's"


class Thin(LogisticRegression):
    def fit(self, X, y):
        return super().fit(X, y).sparsify()


class SparesTheUnknown(ExtraTreesClassifier):
    """Who lacks a value is harmless to it."""

    def predict_proba(self, X):
        return np.where(X[:, -1:] > 0, [[1.0, 0.0]], super().predict_proba(X))


def asked(fitted, _, scaled):
    return fitted.risk(scaled)


@pytest.fixture
def trained(monkeypatch):
    """Train one of these classes on scaled players, the first column of which tells and the last says who lacks it."""
    module = ModuleType("mine")
    vars(module).update({name: kind for name, kind in globals().items() if isinstance(kind, type)})
    monkeypatch.setitem(sys.modules, "mine", module)
    rng, labels = np.random.default_rng(0), np.repeat([0, RARE], [60, 20])
    raw = rng.normal(size=(80, 3)).astype(np.float32)
    raw[labels == RARE, 0] += 3
    raw[::5, 2] = np.nan
    scaler = fit_scaler(raw, Scaling())
    scaled = scaler.apply(raw)

    def train(name):
        return fit_estimator(Estimator(name="mine", path=f"mine:{name}"), scaled, labels, RARE, 3), scaler, scaled

    return train


def test_one_that_writes_into_its_rows_disturbs_nobody_else(trained):
    writes, _, scaled = trained("Writes")
    before = scaled.copy()
    assert np.ptp(writes.risk(scaled)) > 0.9
    assert np.array_equal(scaled, before)


def test_fit_and_predict_proba_are_enough(trained):
    fitted, _, scaled = trained("Plain")
    assert np.array_equal(fitted.risk(scaled), trained("Bayes")[0].risk(scaled))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Leaves", r"expected fit\(X, y\) that sets classes_, got SystemExit: no licence; mend it"),
        ("LeavesLater", r"expected predict_proba\(X\) of any players, got SystemExit: 3; mend it"),
        ("Panics", "got BaseException: index out of bounds; mend it"),
        ("Twofold", r"expected 1 in classes_, got \[\[0, 1\], \[0, 1\]\]; mend it"),
    ],
)
def test_one_that_ends_the_process_or_answers_in_another_shape_is_one_message(trained, name, message):
    with pytest.raises(DataProblem, match=message):
        asked(*trained(name))
    [broken] = check_estimator(Estimator(name="mine", path=f"mine:{name}")).broken
    assert broken.startswith("'mine' breaks scikit-learn's protocol")


def test_a_long_failure_is_told_in_one_line(trained):
    with pytest.raises(DataProblem, match="got ValueError: Check failed at some frame at") as told:
        trained("Wordy")
    assert len(str(told.value)) < 500
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("target", ["rare", "classes"])
@pytest.mark.parametrize("unlabeled", ["left_out", "marked"])
def test_y_is_int64_as_the_docs_say_whatever_labels_are(target, unlabeled, monkeypatch):
    seen = []
    monkeypatch.setattr(GaussianNB, "fit", lambda self, X, y: seen.append(y.dtype) or setattr(self, "classes_", [0, 1]))
    chosen = Estimator(name="mine", path="sklearn.naive_bayes:GaussianNB", target=target, unlabeled=unlabeled)
    fit_estimator(chosen, np.zeros((3, 1), np.float32), np.array([0, RARE, -1], np.int8), RARE, 3)
    assert seen == [np.int64]


def test_ctrl_c_still_ends_the_run(trained):
    with pytest.raises(KeyboardInterrupt):
        trained("Interrupted")


def test_a_package_that_leaves_while_it_is_imported_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit('needs another Python')\n")
    monkeypatch.syspath_prepend(tmp_path)
    [broken] = check_estimator(Estimator(name="mine", path="leaving:Model")).broken
    assert "to be installed, got SystemExit: needs another Python; install its package" in broken


@pytest.mark.parametrize("name", ["Products", "TreesOnProducts", "Boosted", "Thin", "SparesTheUnknown"])
def test_one_that_only_looks_like_what_can_be_stored_stays_a_rival(trained, name):
    fitted, scaler, _ = trained(name)
    with pytest.raises(DataProblem, match=r"'mine' cannot be stored as plain arrays .* name it under evaluate.rivals"):
        part_of(fitted, scaler)


def test_a_function_may_make_what_toml_cannot_say(trained):
    sys.modules["mine"].pipeline = lambda: make_pipeline(PolynomialFeatures(), GaussianNB())
    fitted, _, scaled = trained("pipeline")
    assert np.ptp(fitted.risk(scaled)) > 0.9


def test_a_class_within_a_class_is_found_by_its_whole_name(trained):
    sys.modules["mine"].Outer = type("Outer", (), {"Inner": Bayes})
    assert trained("Outer.Inner")[0].model.__class__ is Bayes
