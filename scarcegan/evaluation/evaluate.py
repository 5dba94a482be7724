"""The evaluation of a run: its models, the rivals and the champions on the same untouched players."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import mean, stdev

import numpy as np
import pandas as pd

from scarcegan import words
from scarcegan.data.log_odds import pooled_risk
from scarcegan.evaluation.definitions import OperatingPoint, describe
from scarcegan.evaluation.figures import AT_THRESHOLD, Interval, Measures, Spread
from scarcegan.evaluation.intervals import interval, resample_weights
from scarcegan.evaluation.measures import confusion, is_unknown, measure, share_interval
from scarcegan.evaluation.metrics import average_precision, curve
from scarcegan.evaluation.promises import bound_on_test
from scarcegan.evaluation.records import (
    EvaluatedChampion,
    EvaluatedModel,
    Evaluation,
    FamilyShare,
    Prevalence,
    Promise,
    ScoreKind,
    Verdict,
)
from scarcegan.evaluation.scored import HeldOut, Scored
from scarcegan.evaluation.verdict import CHAMPION, NO_RIVAL, judge
from scarcegan.records import Record
from scarcegan.settings import Settings
from scarcegan.settings.estimators import SCARCEGAN


class Challenger(Record):
    """A definition's model, to be evaluated.

    Probabilities are per test set, float [n, classes (+ unknown)]; the risk score is the rare column. The point is on
    validation rows, with the model's final threshold; each of `fold_points` on its fold's own validation rows. Of a
    model of several families, ScarceGAN first, `shares` are theirs by name and `alone` their risks, float [n], by test
    set and name, of those without a share too.
    """

    probabilities: Mapping[str, np.ndarray]
    point: OperatingPoint
    promise: Promise | None
    members: int
    fold_points: Sequence[OperatingPoint]
    score_kind: ScoreKind = "relative"
    shares: Mapping[str, float] = field(default_factory=dict)
    alone: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


class Champion(Record):
    """The approved model of a definition; its probabilities are None for a model of other features or classes."""

    version: int
    threshold: float
    probabilities: Mapping[str, np.ndarray] | None


@dataclass(frozen=True)
class _TestSet:
    name: str
    rows: HeldOut
    weights: np.ndarray
    settings: Settings

    def with_classes(self, probabilities: np.ndarray, threshold: float) -> Measures:
        """Measure a model that tells classes apart."""
        classes = self.settings.populations.classes
        unknown = is_unknown(probabilities, len(classes))
        return replace(
            self.with_score(self.risk(probabilities).score, threshold),
            confusion=confusion(self.rows, probabilities, (*classes, "unknown"), len(classes) - 1),
            unknown_share=None if unknown is None else share_interval(unknown, self.rows.in_population, self.weights),
        )

    def risk(self, probabilities: np.ndarray) -> Scored:
        """Take the rare class's column as the score."""
        return self.rows.scored(probabilities[:, len(self.settings.populations.classes) - 1])

    def with_score(self, score: np.ndarray, threshold: float | None = None) -> Measures:
        """Measure a bare score."""
        return measure(self.rows.scored(score), self.weights, self.settings.review_budget, threshold)

    def pr_auc(self, score: np.ndarray) -> Interval:
        """Measure the PR-AUC of a bare score alone."""
        plain, drawn = (curve(self.rows.scored(score), weights) for weights in (None, self.weights))
        return interval(average_precision(plain)[0], average_precision(drawn))


def evaluate_models(
    held_out: Mapping[str, HeldOut],
    models: Mapping[str, Challenger],
    rivals: Mapping[str, Mapping[str, np.ndarray]],
    champions: Mapping[str, Champion],
    prevalence: Prevalence,
    settings: Settings,
    say: words.Say = words.unsaid,
) -> Evaluation:
    """Measure everybody on the same resamples of the same players, and judge.

    Verdicts are given on the first test set. Models and champions are by definition; rivals are risk scores [n] by name
    and test set. A score that is not finite, or a test set without risky players, is a DataProblem.
    """
    tests = {}
    for number, (name, rows) in enumerate(held_out.items()):
        # Each test set has draws of its own, whatever other test sets there are.
        rng = np.random.default_rng([settings.seed, number])
        weights = resample_weights(rows.is_risky, rows.in_population, settings.evaluate.bootstrap, rng)
        tests[name] = _TestSet(name, rows, weights, settings)
    drawn = f"on {settings.evaluate.bootstrap} resamples of the test players"
    evaluated, verdicts = {}, {}
    for name, model in words.announced(models, f"Measuring and comparing `{{}}` {drawn}", say):
        evaluated[name] = _model(name, model, tests, prevalence, settings)
        champion, first = champions.get(name), next(iter(tests.values()))
        verdicts[name] = _verdict(name, model, evaluated[name], rivals, champion, first)
    return Evaluation(
        test_sets=list(tests),
        review_budget=settings.review_budget,
        prevalence=prevalence,
        models=evaluated,
        rivals={
            name: {test: tests[test].with_score(score) for test, score in scores.items()}
            for name, scores in words.announced(rivals, f"Measuring rival {{}} {drawn}", say)
        },
        champions={
            name: EvaluatedChampion(one.version, _measured(one.probabilities, one.threshold, tests))
            for name, one in champions.items()
            if one.probabilities is not None
        },
        verdicts=verdicts,
        words=settings.words,
    )


def _model(
    name: str, model: Challenger, tests: Mapping[str, _TestSet], prevalence: Prevalence, settings: Settings
) -> EvaluatedModel:
    definition = next(one for one in settings.definitions if one.name == name)
    threshold, bound = model.point.threshold, {}
    if model.promise:
        for test, told in model.probabilities.items():
            bound[test] = bound_on_test(model.promise, tests[test].risk(told), threshold, prevalence)
    return EvaluatedModel(
        definition=definition,
        describe=describe(definition, settings.review_budget),
        threshold=threshold,
        promise=model.promise,
        members=model.members,
        fold_spread={figure: _spread(model.fold_points, figure) for figure in AT_THRESHOLD},
        test=_measured(model.probabilities, threshold, tests),
        bound=bound,
        score_kind=model.score_kind,
        families=_families(model, next(iter(tests.values()))) if model.alone else [],
        scarcegan={test: tests[test].with_score(risks[SCARCEGAN]) for test, risks in model.alone.items()},
    )


def _families(model: Challenger, test: _TestSet) -> list[FamilyShare]:
    """Measure each family alone, and the model without it, on one test set."""
    alone, told = model.alone[test.name], []
    for family, share in model.shares.items():
        others = {one: part / (1 - share) for one, part in model.shares.items() if one != family and 0 < share < 1}
        without = test.pr_auc(pooled_risk([alone[one] for one in others], list(others.values()))) if others else None
        told.append(FamilyShare(family, share, test.pr_auc(alone[family]), without))
    return told


def _measured(
    probabilities: Mapping[str, np.ndarray], threshold: float, tests: Mapping[str, _TestSet]
) -> dict[str, Measures]:
    return {test: tests[test].with_classes(told, threshold) for test, told in probabilities.items()}


def _spread(points: Sequence[OperatingPoint], figure: str) -> Spread:
    folds = [float(getattr(point, figure)) for point in points]
    return Spread(mean(folds), stdev(folds) if len(folds) > 1 else 0.0, folds)


def _verdict(
    name: str,
    model: Challenger,
    evaluated: EvaluatedModel,
    rivals: Mapping[str, Mapping[str, np.ndarray]],
    champion: Champion | None,
    test: _TestSet,
) -> Verdict:
    """Judge a model on one test set, against all rivals and its definition's champion."""
    on = test.name
    others = {rival: test.rows.scored(scores[on]) for rival, scores in rivals.items()}
    if champion and champion.probabilities is not None:
        others[CHAMPION] = test.risk(champion.probabilities[on])
    ours = test.risk(model.probabilities[on])
    verdict = judge(name, ours, model.point.threshold, evaluated.test[on], others, test.weights, test.settings.words)
    if evaluated.promise:
        why_not = f": {evaluated.promise.why_not}" if evaluated.promise.why_not else ""
        said = f"{verdict.sentence}; {words.bound(evaluated.bound[on], test.settings.words.rows)}{why_not}"
        # Sentences go to terminals, tags and registries: with plain spaces.
        verdict = replace(verdict, sentence=said.replace(words.GAP, " "))
    if champion is None:
        return verdict
    if champion.probabilities is None:
        why = f"(the champion, version {champion.version}, has other features or classes: not compared)"
        verdict = replace(verdict, sentence=f"{verdict.sentence} {why}", against_champion=NO_RIVAL)
    return replace(verdict, champion_version=champion.version)


def metrics_csv(evaluation: Evaluation) -> str:
    """Return every figure of everybody as CSV: kind, name, test_set, metric, value, low, high, std."""
    kinds = {
        "model": {name: model.test for name, model in evaluation.models.items()},
        "scarcegan alone": {name: model.scarcegan for name, model in evaluation.models.items() if model.scarcegan},
        "rival": evaluation.rivals,
        "champion": {name: champion.test for name, champion in evaluation.champions.items()},
    }
    rows = [
        {"kind": kind, "name": name, "test_set": test_set, "metric": metric, **figure.to_plain()}
        for kind, everybody in kinds.items()
        for name, tests in everybody.items()
        for test_set in evaluation.test_sets
        for metric, figure in tests[test_set].intervals().items()
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
