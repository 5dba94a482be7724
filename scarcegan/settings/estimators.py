"""Estimators that take part beside ScarceGAN: as a family in the model, or as a rival for comparison."""

import json
from collections.abc import Iterator, Mapping, Sequence
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
    path: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    """The class, `package.module:Class`, with scikit-learn's `fit(X, y)` and `predict_proba(X)`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What the class is made with."""
    target: Literal["rare", "classes"] = "rare"
    """What y says: 1 for the rare class and 0 for others, or every class's number."""
    unlabeled: Literal["left_out", "negatives", "marked"] = "left_out"
    """Unlabelled players: none, a sample of them as negatives (target `rare` alone), or a sample with y = -1."""
    least_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """As a family: the share of resamples of validation players that it has to win; below it has no part in a model."""


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
        # Small leaves, and three tenths of the features at each split: without them PR-AUC of boosting alone is .12
        # lower with 10 labelled risky players, of an ensemble .03 with 10 and 25 (development seeds).
        _built_in(
            "small_boosting",
            _BOOSTING,
            {"max_bins": 63, "max_leaf_nodes": 8, "min_samples_leaf": 3, "max_features": 0.3, "l2_regularization": 1.0},
        ),
        # Right for some tables alone: there it wins half of the votes, elsewhere up to .3 of them by luck, which would
        # cost PR-AUC .01 to .02 (development seeds).
        _built_in("linear", _LOGISTIC, {"C": 0.02, "max_iter": 5_000}, least_share=0.4),
    ]
)


def known_estimators(own: Sequence[Estimator]) -> dict[str, Estimator]:
    """Return all estimators by name: the built-in ones, the user's own and those of installed packages.

    An installed package names the class in the entry-point group `scarcegan.estimators`; where the class says
    `learns_from_unlabeled = True`, unlabelled players are given to it with y = -1.
    """
    return {one.name: one for one in [*BUILT_IN.values(), *own, *_installed()]}


def estimator_faults(names: Sequence[str], own: Sequence[Estimator]) -> Iterator[str]:
    """Say which names are taken twice, which of these nothing has, with the nearest, and what own ones cannot mean."""
    found = _installed()
    installed = {one.name: one.path for one in found}
    every = [*BUILT_IN, *(one.name for one in [*own, *found])]
    if twice := sorted({name for name in every if every.count(name) > 1 or name == SCARCEGAN}):
        theirs = "".join(f", or uninstall what brings {installed[name]}" for name in twice if name in installed)
        yield f"expected estimators with names of their own, got {', '.join(twice)} twice: rename yours{theirs}"
    for name in dict.fromkeys(names):
        if name not in every:
            hint = nearest(name, dict.fromkeys(every))
            yield f"no estimator is called '{name}': {hint} One of your own is a table [[estimators]]"
    for one in own:
        if one.unlabeled == "negatives" and one.target != "rare":
            yield (
                f"estimator '{one.name}' takes unlabelled players as negatives, of which class nobody knows: "
                'set target = "rare"'
            )
        for parameter, value in one.parameters.items():
            if not _is_kept(value):
                yield (
                    f"estimator '{one.name}': expected '{parameter}' as text, finite number, true or false, or a list "
                    f"or table of these, got {value}: leave it out, or let a class of your own set it"
                )


def named_estimators(names: Sequence[str], own: Sequence[Estimator]) -> dict[str, Estimator]:
    """Return these of the known estimators, by name."""
    known = known_estimators(own)
    return {name: known[name] for name in names}


def _is_kept(value: Any) -> bool:
    """Whether a run's settings, which are kept as JSON, have a parameter as it is; not so TOML's dates, inf and nan."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _installed() -> list[Estimator]:
    # Not checked: a name or path of theirs that is none hurts only who takes it. Extras may follow: `module:Class [x]`.
    found = [(it.name, it.value.partition("[")[0].strip()) for it in entry_points(group=ENTRY_POINTS)]
    return [Estimator.model_construct(name=name, path=path) for name, path in found]
