"""Estimators that take part beside ScarceGAN: as a family in the model, or as a rival for comparison."""

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal

from pydantic import Field

from scarcegan.problems import nearest
from scarcegan.settings.section import Name, Section

SCARCEGAN = "scarcegan"  # the family that is always there
ENTRY_POINTS = "scarcegan.estimators"  # the group in which an installed package names its own


class Estimator(Section):
    """An estimator of your own, which `train.families` and `evaluate.rivals` may name; see docs/estimators.md."""

    name: Name
    """Its name in those lists."""
    path: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """The class, `package.module:Class`, with scikit-learn's `fit(X, y)` and `predict_proba(X)`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What the class is made with."""
    target: Literal["rare", "classes"] = "rare"
    """What y says: 1 for the rare class and 0 for others, or every class's number."""
    unlabeled: Literal["left_out", "negatives", "marked"] = "left_out"
    """Unlabelled players: none, a sample of them as negatives (target `rare` alone), or a sample with y = -1."""
    least_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """As a family: its share of a model, or nothing where validation players give it less."""


_BALANCED = {"class_weight": "balanced"}
_FORESTS = "sklearn.ensemble:ExtraTreesClassifier"
_BOOSTING = "sklearn.ensemble:HistGradientBoostingClassifier"
_LOGISTIC = "sklearn.linear_model:LogisticRegression"


def _built_in(name: str, path: str, parameters: Mapping[str, Any], **how: Any) -> tuple[str, Estimator]:
    return name, Estimator(name=name, path=path, parameters=_BALANCED | dict(parameters), **how)


# Settings are the usual ones or were chosen on development seeds; the same for all data (see docs/quality.md).
BUILT_IN: Mapping[str, Estimator] = dict(
    [
        _built_in("extra_trees", _FORESTS, {"n_estimators": 500}, target="classes"),
        # Taken as negatives, unlabelled rows help trees with large leaves; they made boosting worse on real telemetry.
        _built_in(
            "extra_trees_unlabeled", _FORESTS, {"n_estimators": 300, "min_samples_leaf": 5}, unlabeled="negatives"
        ),
        _built_in("random_forest", "sklearn.ensemble:RandomForestClassifier", {"n_estimators": 500}, target="classes"),
        _built_in("gradient_boosting", _BOOSTING, {}, target="classes"),
        _built_in("logistic_regression", _LOGISTIC, {"C": 1.0, "max_iter": 5_000}, target="classes"),
        # Better on real telemetry's hundreds of features: PR-AUC .105, not .071.
        _built_in("logistic_regression_shrunk", _LOGISTIC, {"C": 0.01, "max_iter": 5_000}, target="classes"),
        # Families: five folds of 60 trees are as good as of 100 (development seeds), and are scored faster. With leaves
        # of one row an ensemble gains .0075 PR-AUC over those of 2 and 5 (23 tests on development seeds).
        _built_in("small_extra_trees", _FORESTS, {"n_estimators": 60}, target="classes"),
        _built_in("small_extra_trees_unlabeled", _FORESTS, {"n_estimators": 60}, unlabeled="negatives"),
        _built_in("small_boosting", _BOOSTING, {"max_bins": 63, "max_leaf_nodes": 15}),
        # Right for some tables alone: there it wins half of the votes, elsewhere up to .3 of them by luck, which would
        # cost PR-AUC .01 to .02 (development seeds).
        _built_in("linear", _LOGISTIC, {"C": 0.02, "max_iter": 5_000}, least_share=0.4),
    ]
)


def known_estimators(own: Sequence[Estimator]) -> dict[str, Estimator]:
    """Return all estimators by name: the built-in ones, the user's own and those of installed packages.

    An installed package names the class in the entry-point group `scarcegan.estimators`; where the class says
    `learns_from_unlabeled = True`, unlabelled players are given to it with y = -1. Names taken twice are a ValueError.
    """
    # Not checked: a name or path of theirs that is none hurts only who takes it.
    installed = [Estimator.model_construct(name=it.name, path=it.value) for it in entry_points(group=ENTRY_POINTS)]
    every = [*BUILT_IN.values(), *own, *installed]
    names = [one.name for one in every]
    twice = sorted({name for name in names if names.count(name) > 1 or name == SCARCEGAN})
    if twice:
        raise ValueError(f"expected estimators with names of their own, got {', '.join(twice)} twice: rename yours")
    return {one.name: one for one in every}


def named_estimators(names: Sequence[str], own: Sequence[Estimator]) -> dict[str, Estimator]:
    """Return these of the known estimators, by name; one that nothing has is a ValueError with the nearest one."""
    known = known_estimators(own)
    for name in names:
        if name not in known:
            hint = nearest(name, known)
            raise ValueError(f"no estimator is called '{name}': {hint} One of your own is a table [[estimators]]")
    return {name: known[name] for name in names}
