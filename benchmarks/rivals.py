"""Rivals of ScarceGAN: what a user would otherwise pick, each on exactly the rows that ScarceGAN is given.

A rival is a function from `Rows` to a scorer. Forests, logistic regression and histogram boosting are the flow's own
rivals, with balanced weights; the others tell the rare class from all else. Nothing is tuned:
sizes are the usual ones, and the same on every data set. Every rival uses one thread.

RealMLP, TabM and DevNet need PyTorch, whose wheel for Linux on PyPI brings 3 GB of CUDA packages where pip finds no
other build: `make bench-neural` installs them apart. Missing are TabICL (BSD-3-Clause) and TabPFN (not for commercial
use), which fetch their weights when they run.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import lightgbm
import numpy as np
import xgboost
from catboost import CatBoostClassifier
from imblearn.over_sampling import SMOTE
from pyod.models.xgbod import XGBOD
from sklearn.semi_supervised import LabelSpreading
from sklearn.tree import DecisionTreeClassifier

from scarcegan.data.players import UNLABELED
from scarcegan.families.estimators import fit_estimator
from scarcegan.settings.estimators import BUILT_IN

TREES = 120  # of LightGBM and XGBoost; other boosted rivals have their packages' own number
SAMPLE = 20_000  # unlabelled rows at most, where more would cost much time (self-training, Elkan-Noto, extra trees)
SPREAD_SAMPLE = 5_000  # unlabelled rows at most in label spreading, whose time grows with their square,
DETECTED_SAMPLE = 2_000  # and in XGBOD, whose 41 detectors take a minute for these (PR-AUC .461, .480 with 5,000)
BAGS = 200
SURE = 0.95  # self-training believes a label from here on
SELF_TRAINING_ROUNDS = 3
NEIGHBOURS = 10

Scorer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Rows:
    """The training rows of all rivals, scaled as for the networks.

    Attributes:
        labeled: float32 array [n, features].
        labels: int array [n], class indices.
        unlabeled: float32 array [m, features].
        rare: class index of the rare class.
        seed: of the rival's randomness.
        members: networks in one fold of ScarceGAN; the averaged rival has as many.
    """

    labeled: np.ndarray
    labels: np.ndarray
    unlabeled: np.ndarray
    rare: int
    seed: int
    members: int

    @property
    def is_rare(self) -> np.ndarray:
        """Tell for each labelled row whether it is of the rare class, float [n]: 1 or 0."""
        return (self.labels == self.rare).astype(float)

    def some_unlabeled(self, most: int) -> np.ndarray:
        """Return a random `most` of the unlabelled rows, or all of them."""
        if len(self.unlabeled) <= most:
            return self.unlabeled
        chosen = np.random.default_rng(self.seed).choice(len(self.unlabeled), most, replace=False)
        return self.unlabeled[np.sort(chosen)]


Rival = Callable[[Rows], Scorer]


def extra_trees(rows: Rows) -> Scorer:
    """500 extremely randomised trees, balanced: the strongest on the telemetry beforehand."""
    return _rival("extra_trees", rows)


def extra_trees_unlabeled(rows: Rows) -> Scorer:
    """300 extremely randomised trees with leaves of 5, balanced, that take unlabelled rows (20,000) for negatives."""
    return _rival("extra_trees_unlabeled", rows, rows.some_unlabeled(SAMPLE))


def random_forest(rows: Rows) -> Scorer:
    """500 trees, balanced."""
    return _rival("random_forest", rows)


def logistic(rows: Rows) -> Scorer:
    """Logistic regression, balanced, C = 0.01."""
    return _rival("logistic_regression_shrunk", rows)


def logistic_default(rows: Rows) -> Scorer:
    """Logistic regression, balanced, C = 1."""
    return _rival("logistic_regression", rows)


def histogram_boosting(rows: Rows) -> Scorer:
    """scikit-learn's histogram boosting with class weights."""
    return _rival("gradient_boosting", rows)


def lightgbm_labels(rows: Rows) -> Scorer:
    """LightGBM on the labelled rows alone."""
    return _boosted(rows.labeled, rows.is_rare, rows.seed)


def lightgbm_unlabeled_negative(rows: Rows) -> Scorer:
    """LightGBM that takes every unlabelled row for a negative."""
    return _boosted(*_with_unlabeled(rows, rows.unlabeled, 0.0), rows.seed)


def lightgbm_averaged(rows: Rows) -> Scorer:
    """Average as many LightGBM models as a fold has members, each on random rows and columns."""
    random: dict[str, Any] = {"bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.8}
    seeds = np.random.SeedSequence(rows.seed).generate_state(rows.members) >> 1
    scorers = [_boosted(rows.labeled, rows.is_rare, int(seed), **random) for seed in seeds]
    return lambda features: np.mean([scorer(features) for scorer in scorers], axis=0)


def xgboost_balanced(rows: Rows) -> Scorer:
    """XGBoost, the rare class weighing as much as all else."""
    weight = np.sum(rows.is_rare == 0) / np.sum(rows.is_rare)
    settings = {"objective": "binary:logistic", "scale_pos_weight": weight, "nthread": 1, "seed": rows.seed}
    model = xgboost.train(settings, xgboost.DMatrix(rows.labeled, rows.is_rare), TREES)
    return lambda features: model.predict(xgboost.DMatrix(features))


def catboost_balanced(rows: Rows) -> Scorer:
    """CatBoost as it comes, 1,000 trees, the rare class weighing as much as all else."""
    model = CatBoostClassifier(
        auto_class_weights="Balanced",
        random_seed=rows.seed,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(rows.labeled, rows.is_rare)
    return lambda features: model.predict_proba(features, thread_count=1)[:, 1]


def voting(rows: Rows) -> Scorer:
    """Soft vote of extra trees, histogram boosting and logistic regression: the mean of their probabilities."""
    scorers = [rival(rows) for rival in (extra_trees, histogram_boosting, logistic)]
    return lambda features: np.mean([scorer(features) for scorer in scorers], axis=0)


def smote_lightgbm(rows: Rows) -> Scorer:
    """LightGBM on the labelled rows, the rare ones filled up by SMOTE."""
    neighbours = min(5, int(rows.is_rare.sum()) - 1)
    filled = SMOTE(random_state=rows.seed, k_neighbors=neighbours).fit_resample(rows.labeled, rows.is_rare)
    return _boosted(filled[0], filled[1], rows.seed)


def self_training(rows: Rows) -> Scorer:
    """LightGBM that adds the unlabelled rows it is sure of to its labels, three rounds, of a sample of 20,000."""
    sample = rows.some_unlabeled(SAMPLE)
    scorer = lightgbm_labels(rows)
    for _ in range(SELF_TRAINING_ROUNDS):
        score = scorer(sample)
        sure = np.maximum(score, 1 - score) >= SURE
        scorer = _boosted(*_with_unlabeled(rows, sample[sure], score[sure] >= SURE), rows.seed)
    return scorer


def elkan_noto(rows: Rows) -> Scorer:
    """LightGBM from positive and unlabelled rows: an unlabelled one counts as both, weighted by how likely each is.

    Labelled negatives join the second fit. The constant correction alone would leave the ranking of
    `lightgbm_unlabeled_negative` as it is; the weights do not.

    Source: C. Elkan, K. Noto, Learning classifiers from only positive and unlabeled data, 2008, section 3.
    """
    sample = rows.some_unlabeled(SAMPLE)
    rare = np.random.default_rng(rows.seed).permutation(np.flatnonzero(rows.is_rare))
    held_out, fitted = np.split(rare, [max(1, len(rare) // 5)])
    is_labeled = np.repeat([1.0, 0.0], [len(fitted), len(sample)])
    labeled_chance = _boosted(np.concatenate([rows.labeled[fitted], sample]), is_labeled, rows.seed)
    share = float(np.clip(np.mean(labeled_chance(rows.labeled[held_out])), 1e-6, 1 - 1e-6))
    odds = labeled_chance(sample) / np.maximum(1 - labeled_chance(sample), 1e-6)
    chance = np.clip((1 - share) / share * odds, 0.0, 1.0)
    features = np.concatenate([rows.labeled, sample, sample])
    target = np.concatenate([rows.is_rare, np.ones(len(sample)), np.zeros(len(sample))])
    weight = np.concatenate([np.ones(len(rows.labeled)), chance, 1 - chance])
    return _boosted(features, target, rows.seed, weight)


def pu_bagging(rows: Rows) -> Scorer:
    """200 trees, each telling the rare rows from as many unlabelled ones and as many labelled negatives.

    Source: F. Mordelet, J.-P. Vert, A bagging SVM to learn from positive and unlabeled examples, 2014.
    """
    rng = np.random.default_rng(rows.seed)
    rare, others = rows.labeled[rows.is_rare == 1], rows.labeled[rows.is_rare == 0]
    target = np.repeat([1, 0, 0], len(rare))
    trees = []
    for _ in range(BAGS):
        drawn = [side[rng.integers(len(side), size=len(rare))] for side in (rare, rows.unlabeled, others)]
        tree = DecisionTreeClassifier(max_features="sqrt", random_state=int(rng.integers(2**31)))
        trees.append(tree.fit(np.concatenate(drawn), target))
    return lambda features: np.mean([tree.predict_proba(features)[:, 1] for tree in trees], axis=0)


def xgbod(rows: Rows) -> Scorer:
    """XGBoost on the features and the scores of 41 outlier detectors; a sample of 2,000 unlabelled rows is negative.

    Source: Y. Zhao, M. K. Hryniewicki, XGBOD: improving supervised outlier detection with unsupervised representation
    learning, 2018; PyOD's detectors and settings.
    """
    features, is_rare = _with_unlabeled(rows, rows.some_unlabeled(DETECTED_SAMPLE), 0.0)
    # PyOD warns of its own calls: XGBoost no longer knows `silent`, and outlier detectors have no use for labels.
    model = XGBOD(random_state=rows.seed, n_jobs=1, verbosity=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="y should not be presented")
        model.fit(features, is_rare)
    return lambda features: np.asarray(model.decision_function(features))


def label_spreading(rows: Rows) -> Scorer:
    """Labels spread over the 10-nearest-neighbour graph of the labelled and a sample of 5,000 unlabelled rows."""
    sample = rows.some_unlabeled(SPREAD_SAMPLE)
    labels = np.concatenate([rows.labels, np.full(len(sample), -1)])
    model = LabelSpreading(kernel="knn", n_neighbors=NEIGHBOURS, max_iter=200, n_jobs=1)
    model.fit(np.concatenate([rows.labeled, sample]), labels)
    column = int(np.searchsorted(model.classes_, rows.rare))
    # A row whose neighbours no label has reached has no probabilities: it ranks last.
    return lambda features: np.nan_to_num(model.predict_proba(features)[:, column])


def realmlp(rows: Rows) -> Scorer:
    """RealMLP with its tuned defaults, on the labelled rows; of 256 epochs the best by ROC-AUC on a fifth of them.

    Source: D. Holzmüller, L. Grinsztajn, I. Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data, 2024; pytabkit.
    """
    return _tabular_network("RealMLP_TD_Classifier", rows)


def tabm(rows: Rows) -> Scorer:
    """TabM with its defaults, 32 networks in one, on the labelled rows, stopped by ROC-AUC on a fifth of them.

    Source: Y. Gorishniy, A. Kotelnikov, A. Babenko, TabM: advancing tabular deep learning with parameter-efficient
    ensembling, 2024; pytabkit.
    """
    return _tabular_network("TabM_D_Classifier", rows)


def devnet(rows: Rows) -> Scorer:
    """DevNet, a deviation network, that takes unlabelled rows (20,000) for normal ones.

    Source: G. Pang, C. Shen, A. van den Hengel, Deep anomaly detection with deviation networks, 2019; DeepOD. PyOD's
    ranks risky rows last.
    """
    from deepod.models import DevNet

    model = DevNet(random_state=rows.seed, device="cpu", verbose=0)
    model.fit(*_with_unlabeled(rows, rows.some_unlabeled(SAMPLE), 0.0))
    return lambda features: np.asarray(model.decision_function(features))


# Imported where they are used: PyTorch takes seconds, and `make bench-neural` alone installs it.
NEEDED = {"realmlp": "pytabkit", "tabm": "pytabkit", "devnet": "deepod"}
RIVALS: dict[str, Rival] = {
    rival.__name__: rival
    for rival in (
        extra_trees,
        extra_trees_unlabeled,
        random_forest,
        logistic,
        logistic_default,
        histogram_boosting,
        lightgbm_labels,
        lightgbm_unlabeled_negative,
        lightgbm_averaged,
        xgboost_balanced,
        catboost_balanced,
        voting,
        smote_lightgbm,
        self_training,
        elkan_noto,
        pu_bagging,
        xgbod,
        label_spreading,
        realmlp,
        tabm,
        devnet,
    )
}


def is_installed(name: str) -> bool:
    """Tell whether the package of a method is there; all but the neural rivals' come with `make bench`."""
    return name not in NEEDED or find_spec(NEEDED[name]) is not None


def _tabular_network(kind: str, rows: Rows) -> Scorer:
    """Train one of pytabkit's networks, which warn of calls that PyTorch and Lightning no longer like."""

    def score(features: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(model.predict_proba(features)[:, 1])

    with warnings.catch_warnings(action="ignore"):
        import pytabkit

        model = getattr(pytabkit, kind)(
            device="cpu", random_state=rows.seed, n_threads=1, val_metric_name="1-auc_ovr", verbosity=0
        )
        model.fit(rows.labeled, rows.is_rare.astype(int))
    return score


def _rival(name: str, rows: Rows, unlabeled: np.ndarray | None = None) -> Scorer:
    features, labels = rows.labeled, rows.labels
    if unlabeled is not None:
        features = np.concatenate([features, unlabeled])
        labels = np.concatenate([labels, np.full(len(unlabeled), UNLABELED)])
    return fit_estimator(BUILT_IN[name], features, labels, rows.rare, rows.seed).risk


def _with_unlabeled(rows: Rows, unlabeled: np.ndarray, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the labelled and the given unlabelled rows, the latter with `target` (1 rare, 0 not)."""
    targets = np.broadcast_to(np.asarray(target, dtype=float), len(unlabeled))
    return np.concatenate([rows.labeled, unlabeled]), np.concatenate([rows.is_rare, targets])


def _boosted(
    features: np.ndarray, is_rare: np.ndarray, seed: int, weight: np.ndarray | None = None, **settings: Any
) -> Scorer:
    """Fit LightGBM on rows of the rare class (1) and others (0)."""
    fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
    data = lightgbm.Dataset(features, is_rare, weight=weight)
    model = lightgbm.train(fixed | {"seed": seed} | settings, data, TREES)
    return lambda features: np.asarray(model.predict(features, num_threads=1))
