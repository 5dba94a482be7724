"""One method trained on prepared players, and its scores of the test players measured."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rivals import RIVALS, Rows
from sklearn.metrics import roc_curve

from scarcegan.data.folds import assign_folds, in_folds
from scarcegan.data.log_odds import pooled_risk
from scarcegan.data.players import UNLABELED, fingerprint
from scarcegan.data.scaling import fit_scaler
from scarcegan.evaluation.definitions import bound_of
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.metrics import (
    at_threshold,
    average_precision,
    curve,
    recall_at_shares,
)
from scarcegan.evaluation.scored import HeldOut, Scored, held_by_label, held_out
from scarcegan.evaluation.shares import choose_shares
from scarcegan.problems import TrainingCollapsed
from scarcegan.serving.forward import member_logits, softmax
from scarcegan.serving.model import Model
from scarcegan.settings import Definition, Settings
from scarcegan.settings.estimators import SCARCEGAN
from scarcegan.workflow.retraining.families import family_risks
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import FoldOffer, Selected
from scarcegan.workflow.retraining.select import select_models

RESAMPLES = 100
RANKED_BY = "review_budget"  # the business definition whose model stands for ScarceGAN in the ranking
BOUND_MEASURES = {"recall": "recall", "precision": "precision", "flagged": "flagged_share", None: "f2"}


@dataclass(frozen=True)
class Outcome:
    """A trained method.

    Attributes:
        members: by test set, float [M, n]: the scores of each network of ScarceGAN; others count as one.
        beside: the same by name of what a release consists of: ScarceGAN, each family, all without ScarceGAN.
        models: ScarceGAN's models by business definition.
        validation: what validation tells of each (see `select_models`).
    """

    members: dict[str, np.ndarray]
    beside: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    validation: dict[str, Selected] = field(default_factory=dict)


def compete(method: str, prepared: Prepared, settings: Settings) -> dict[str, Any]:
    """Train a method and measure it.

    Args:
        method: a rival's name; any other name means what the settings say, a release or ScarceGAN alone.
        prepared: the players and their folds.
        settings: the method's settings.

    Returns:
        `cpu_seconds` (training and scoring the test players once), `labeled_risky`, `tests` (test set -> see
        `measure`), `beside` (the same by name, of a release's parts) and, but for rivals, `transfer` (definition -> see
        `_transfer`) and, of a calibrated model, `calibration` (see `_calibration`).
    """
    players, rare = prepared.players, len(settings.populations.negatives)
    tests = prepared.test_rows()
    raw = {name: players.features[rows] for name, rows in tests.items()}
    held = {name: held_out(players.labels[rows], players.truth[rows], rare) for name, rows in tests.items()}
    started = time.process_time()
    outcome = (_train_rival if method in RIVALS else _train_gan)(method, prepared, raw, settings)
    cpu_seconds = time.process_time() - started
    return {
        "cpu_seconds": round(cpu_seconds, 1),
        "labeled_risky": int(np.count_nonzero(players.labels == rare)),
        "tests": {name: measure(held[name], scores) for name, scores in outcome.members.items()},
        "beside": {
            name: {test: measure(held[test], scores) for test, scores in tests.items()}
            for name, tests in outcome.beside.items()
        },
        "transfer": {
            one.name: _transfer(one, outcome, raw, held, settings)
            for one in settings.definitions
            if one.name in outcome.models
        },
        "calibration": _calibration(outcome, raw, held),
    }


def measure(held: HeldOut, members: np.ndarray) -> dict[str, Any]:
    """Measure the mean of the members' scores [M, n].

    Returns:
        `pr_auc`, `recall_at_1`, `_2`, `_5` (% flagged), `recall_at_1_fpr`, `single_pr_auc` (the mean of the single
        members'), and `resampled_pr_auc`: on resamples of the test players that are the same for every method.
    """
    scored = held.scored(members.mean(axis=0))
    points = curve(scored)
    recalls = recall_at_shares(points, np.array([0.01, 0.02, 0.05]))[0]
    weights = resample_weights(held.is_risky, held.in_population, RESAMPLES, np.random.default_rng(0))
    single = [average_precision(curve(held.scored(member))).item() for member in members]
    return {
        "pr_auc": average_precision(points).item(),
        **{f"recall_at_{percent}": float(value) for percent, value in zip((1, 2, 5), recalls, strict=True)},
        "recall_at_1_fpr": _recall_at_false_positives(scored, 0.01),
        "single_pr_auc": float(np.mean(single)),
        "resampled_pr_auc": average_precision(curve(scored, weights)).round(5).tolist(),
    }


def _recall_at_false_positives(scored: Scored, rate: float) -> float:
    """Return the recall when a share of the population not known to be risky is flagged, ties in random order."""
    shown = scored.in_population | scored.is_risky
    false, found, _ = roc_curve(scored.is_risky[shown], scored.score[shown], drop_intermediate=False)
    return float(np.interp(rate, false, found))


def keep_labels(prepared: Prepared, count: int, settings: Settings) -> Prepared:
    """Keep the labels of `count` risky players of the pool, drawn by the seed; the others join the unlabelled.

    The folds are then those of players with so few labels; who keeps a label does not hang on them.
    """
    rare, labels = len(settings.populations.negatives), prepared.players.labels.copy()
    rows = np.flatnonzero((labels == rare) & (prepared.fold >= 0))
    labels[np.random.default_rng(settings.seed).permutation(rows)[count:]] = UNLABELED
    players = replace(prepared.players, labels=labels)
    fold = assign_folds(players, settings.populations, settings.folds.k, settings.seed)
    return Prepared(players, fold, fingerprint(players))


def _train_gan(method: str, prepared: Prepared, raw: dict[str, np.ndarray], settings: Settings) -> Outcome:
    try:
        folds = [fit_fold(prepared, number, settings, threads=1) for number in range(settings.folds.k)]
    except TrainingCollapsed:
        # Whoever collapses ranks nobody: all scores are equal.
        return Outcome({name: np.zeros((1, len(rows))) for name, rows in raw.items()})
    models, validation = select_models(prepared, folds, settings)
    model = models[RANKED_BY]
    alone = {name: _member_scores(model, rows) for name, rows in raw.items()}
    if not settings.families:
        return Outcome(alone, models=models, validation=validation)
    families = family_risks(prepared, folds, settings)
    beside = {SCARCEGAN: alone, **{f"family {name}": _one(risks) for name, risks in families.items()}}
    beside["without_scarcegan"] = _one(_without_scarcegan(prepared, folds, families, settings))
    return Outcome(_one({name: model.risk(rows) for name, rows in raw.items()}), beside, models, validation)


def _one(risks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {test: risk[np.newaxis] for test, risk in risks.items()}


def _without_scarcegan(
    prepared: Prepared, folds: list[FoldOffer], families: dict[str, dict[str, np.ndarray]], settings: Settings
) -> dict[str, np.ndarray]:
    """Return the risks of the ensemble that would be chosen if ScarceGAN were not there, by test set."""
    definition = next(one for one in settings.definitions if one.name == RANKED_BY)
    labels = prepared.players.labels[np.concatenate([offer.validation_rows for offer in folds])]
    held = held_by_label(labels, len(settings.populations.negatives), settings.assumed_share, prepared.unlabeled)
    risks = {name: np.concatenate([offer.families[name].scores for offer in folds]) for name in families}
    validation = held.scored(np.mean(list(risks.values()), axis=0))
    shares = choose_shares(risks, validation, definition, settings)
    tests = next(iter(families.values()))
    return {test: pooled_risk([families[name][test] for name in shares], list(shares.values())) for test in tests}


def _member_scores(model: Model, raw: np.ndarray) -> np.ndarray:
    """Return each member's scores, [M, n]; their mean is the model's."""
    scores = []
    for part in model.parts:
        inputs = np.ascontiguousarray(part.scaler.apply(raw).T)
        for member in range(part.members):
            scores.append(softmax(member_logits(part.layers, member, part.slope, inputs))[model.rare_index])
    return np.stack(scores)


def _train_rival(method: str, prepared: Prepared, raw: dict[str, np.ndarray], settings: Settings) -> Outcome:
    features = prepared.players.features
    rows = np.flatnonzero(in_folds(prepared.fold, settings.folds.k))
    labels = prepared.players.labels[rows]
    scaler = fit_scaler(features, settings.scaling, rows)
    is_labeled = labels != UNLABELED
    training = Rows(
        labeled=scaler.apply(features, rows[is_labeled]),
        labels=labels[is_labeled].astype(np.int64),
        unlabeled=scaler.apply(features, rows[~is_labeled]),
        rare=len(settings.populations.negatives),
        seed=settings.seed,
        members=settings.train.members,
    )
    scorer = RIVALS[method](training)
    return Outcome({name: scorer(scaler.apply(test))[np.newaxis] for name, test in raw.items()})


def expected_calibration_error(probability: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean distance of predicted and observed shares over ten equal bins, weighted by their players.

    Probabilities are float [n] in [0, 1]; truth is bool [n] or 1 and 0.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3.
    """
    own_bin = np.digitize(probability, np.arange(1, 10) / 10)
    apart = np.bincount(own_bin, weights=np.asarray(probability, np.float64) - truth)
    return float(np.abs(apart).sum() / len(probability))


def _calibration(outcome: Outcome, raw: dict[str, np.ndarray], held: dict[str, HeldOut]) -> dict[str, float]:
    """Return the calibration error of a model on its first test set, `before` and `after` its calibration."""
    model, test = outcome.models.get(RANKED_BY), next(iter(raw))
    if model is None or model.calibration is None:
        return {}
    models = {"before": replace(model, calibration=None), "after": model}
    return {name: expected_calibration_error(one.risk(raw[test]), held[test].is_risky) for name, one in models.items()}


def _transfer(
    definition: Definition,
    outcome: Outcome,
    raw: dict[str, np.ndarray],
    held: dict[str, HeldOut],
    settings: Settings,
) -> dict[str, Any]:
    """Compare what a threshold promises on validation with what it does on test players.

    Returns:
        `measure` (the bound one, F2 where none is), its `bound` (None), its value on `validation` and on `tests`.
    """
    name = BOUND_MEASURES[definition.constraint]
    model, point = outcome.models[definition.name], outcome.validation[definition.name].point
    tests = {}
    for test, rows in raw.items():
        scored = held[test].scored(model.risk(rows))
        tests[test] = float(getattr(at_threshold(scored, model.threshold), name)[0])
    bound = bound_of(definition, settings.review_budget) if definition.constraint else None
    return {"measure": name, "bound": bound, "validation": getattr(point, name), "tests": tests}
