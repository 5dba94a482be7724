"""The evaluation of a run: its models, the baselines and the champions on the same untouched players."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scarcegan.evaluation.classes import confusion, is_unknown
from scarcegan.evaluation.definitions import OperatingPoint, describe
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.measured import measure, share_interval
from scarcegan.evaluation.prevalence import Prevalence
from scarcegan.evaluation.scored import HeldOut, Scored
from scarcegan.evaluation.verdict import Rival, judge
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings

_POINT_MEASURES = ("recall", "precision", "flagged_share", "f2")


@dataclass(frozen=True)
class Candidate:
    """A definition's model as evaluated.

    Attributes:
        probabilities: per test set, float array [n, classes (+ unknown)]; the risk score is the rare column.
        point: operating point on validation rows, with the model's final threshold.
        members: networks in the ensemble.
        fold_points: operating point of each fold's choice on the fold's own validation rows.
    """

    probabilities: Mapping[str, np.ndarray]
    point: OperatingPoint
    members: int
    fold_points: Sequence[OperatingPoint]


@dataclass(frozen=True)
class Champion:
    """The approved model of a definition: its version, its threshold, and what it says about the same players."""

    version: int
    threshold: float
    probabilities: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _TestSet:
    rows: HeldOut
    weights: np.ndarray
    settings: Settings

    def with_classes(self, probabilities: np.ndarray, threshold: float) -> dict[str, Any]:
        """Measure a model that tells classes apart."""
        classes = self.settings.populations.classes
        measures = self.with_score(self.risk(probabilities).score, threshold)
        measures["confusion"] = confusion(self.rows, probabilities, (*classes, "unknown"), len(classes) - 1)
        unknown = is_unknown(probabilities, len(classes))
        if unknown is not None:
            measures["unknown_share"] = share_interval(unknown, self.rows.in_population, self.weights)
        return measures

    def risk(self, probabilities: np.ndarray) -> Scored:
        """Take the rare class's column as the score."""
        return self.rows.scored(probabilities[:, len(self.settings.populations.classes) - 1])

    def with_score(self, score: np.ndarray, threshold: float | None = None) -> dict[str, Any]:
        """Measure a bare score."""
        return measure(self.rows.scored(score), self.weights, self.settings.review_budget, threshold)


def evaluate_models(
    held_out: Mapping[str, HeldOut],
    models: Mapping[str, Candidate],
    baselines: Mapping[str, Mapping[str, np.ndarray]],
    champions: Mapping[str, Champion],
    prevalence: Prevalence,
    settings: Settings,
) -> dict[str, Any]:
    """Measure everybody on the same resamples of the same players, and judge.

    Args:
        held_out: the test sets; the first one is the verdicts'.
        models: the run's models by definition.
        baselines: risk scores [n] by rival and test set.
        champions: approved models by definition; empty where there is none yet.
        prevalence: the share of risky players the models were selected with.
        settings: definitions, class names, review budget, bootstrap resamples and seed are taken from here.

    Returns:
        The evaluation, plain data that JSON can hold.

    Raises:
        DataProblem: no test set, a score that is not finite, or a test set without risky players.
    """
    if not held_out:
        raise DataProblem("expected at least 1 test set, got 0: set data.test_share or bring a test table")
    tests = {
        name: _TestSet(rows, _weights(rows, settings, number), settings)
        for number, (name, rows) in enumerate(held_out.items())
    }
    measured = {name: _model(name, model, tests, settings) for name, model in models.items()}
    return {
        "test_sets": list(tests),
        "review_budget": settings.review_budget,
        "prevalence": {"value": prevalence.value, "how": prevalence.how},
        "class_names": [*settings.populations.classes, "unknown"],
        "models": measured,
        "baselines": {
            name: {test: tests[test].with_score(score) for test, score in scores.items()}
            for name, scores in baselines.items()
        },
        "champions": {name: _champion(champion, tests) for name, champion in champions.items()},
        "verdicts": _verdicts(next(iter(tests.items())), models, measured, baselines, champions),
    }


def _weights(rows: HeldOut, settings: Settings, number: int) -> np.ndarray:
    rng = np.random.default_rng([settings.seed, number])
    return resample_weights(rows.is_risky, rows.in_population, settings.evaluate.bootstrap, rng)


def _model(name: str, model: Candidate, tests: Mapping[str, _TestSet], settings: Settings) -> dict[str, Any]:
    definition = next(one for one in settings.definitions if one.name == name)
    return {
        "describe": describe(definition, settings.review_budget),
        "threshold": model.point.threshold,
        "constraint_met": model.point.constraint_met,
        "members": model.members,
        "validation": {measured: getattr(model.point, measured) for measured in _POINT_MEASURES},
        "fold_spread": {measured: _spread(model.fold_points, measured) for measured in _POINT_MEASURES},
        "test": {
            test: tests[test].with_classes(probabilities, model.point.threshold)
            for test, probabilities in model.probabilities.items()
        },
    }


def _spread(points: Sequence[OperatingPoint], measured: str) -> dict[str, Any]:
    folds = [float(getattr(point, measured)) for point in points]
    deviation = float(np.std(folds, ddof=1)) if len(folds) > 1 else 0.0
    return {"mean": float(np.mean(folds)), "std": deviation, "folds": folds}


def _champion(champion: Champion, tests: Mapping[str, _TestSet]) -> dict[str, Any]:
    measures = {
        test: tests[test].with_classes(probabilities, champion.threshold)
        for test, probabilities in champion.probabilities.items()
    }
    return {"version": champion.version, **measures}


def _verdicts(
    named_test: tuple[str, _TestSet],
    models: Mapping[str, Candidate],
    measured: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, np.ndarray]],
    champions: Mapping[str, Champion],
) -> dict[str, Any]:
    """Judge each model on one test set, against all baselines and its definition's champion."""
    name, test = named_test
    rivals = [Rival(rival, test.rows.scored(scores[name])) for rival, scores in baselines.items()]
    verdicts = {}
    for definition, model in models.items():
        champion = champions.get(definition)
        own = [] if champion is None else [Rival("champion", test.risk(champion.probabilities[name]), True)]
        ours = test.risk(model.probabilities[name])
        on_test = measured[definition]["test"][name]
        verdict = judge(definition, ours, model.point, on_test, own + rivals, test.weights)
        if champion is not None:
            verdict["champion"] = {"version": champion.version, **verdict["champion"]}
        verdicts[definition] = verdict
    return verdicts
