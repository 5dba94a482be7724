"""The evaluation job: the run's models, honest rivals and the champions on the same untouched test players."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.prevalence import Prevalence, known_prevalence
from scarcegan.evaluation.report import Candidate, Champion, evaluate_models
from scarcegan.evaluation.scored import HeldOut, held_out
from scarcegan.evaluation.subgroups import subgroup_features, subgroup_quality
from scarcegan.registry.contract import Registry
from scarcegan.serving.archive import read_archive
from scarcegan.serving.explanation import explain_model
from scarcegan.serving.forward import class_probabilities, risk_score
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared

HEADLINE = "review_budget"


def judge_models(
    prepared: Prepared,
    models: Mapping[str, dict[str, Any]],
    validation: Mapping[str, dict[str, Any]],
    baselines: dict[str, dict[str, np.ndarray]],
    registry: Registry,
    settings: Settings,
) -> dict[str, Any]:
    """Evaluate the models of a run.

    What comes back is described in `scarcegan.evaluation.report`; added are, for the first test set and the model
    of the review budget (or of the first definition), `subgroups` and `explanation`, see `look_closer`.

    Args:
        prepared: the players and their folds.
        models: plain arrays by business definition, from `select_models`.
        validation: what validation tells of each, from `select_models`.
        baselines: the rivals' scores of the test players, from `train_baselines`.
        registry: where the champions are.
        settings: the resolved settings.
    """
    rows = prepared.test_rows()
    prevalence = _prevalence(prepared, rows, validation, settings)
    held = {name: _held_out(prepared, at, prevalence, settings) for name, at in rows.items()}
    features = {name: prepared.players.features[at] for name, at in rows.items()}
    candidates = {name: _candidate(model, validation[name], features) for name, model in models.items()}
    champions, strangers = _champions(registry, features, models)
    evaluation = evaluate_models(held, candidates, baselines, champions, prevalence, settings)
    for definition, version in strangers.items():
        _say_not_comparable(evaluation["verdicts"][definition], version)
    return evaluation | look_closer(prepared, models, next(iter(rows.items())), prevalence, settings)


def look_closer(
    prepared: Prepared,
    models: Mapping[str, dict[str, Any]],
    named_test: tuple[str, np.ndarray],
    prevalence: Prevalence,
    settings: Settings,
) -> dict[str, Any]:
    """Measure the headline model by subgroup and explain it, on one test set.

    Returns:
        `subgroups`: definition, test_set, threshold and `features` (see `scarcegan.evaluation.subgroups`);
        `explanation`: definition, test_set and what `scarcegan.serving.explanation` tells.
    """
    definition = HEADLINE if HEADLINE in models else next(iter(models))
    model, (test_set, rows) = models[definition], named_test
    names, features = list(prepared.players.feature_names), prepared.players.features
    chosen = subgroup_features(names, settings.evaluate.subgroup_features, settings.telemetry.roles.activity)
    scored = _held_out(prepared, rows, prevalence, settings).scored(risk_score(model, features[rows]))
    values = {name: features[rows, names.index(name)] for name in chosen}
    about = {"definition": definition, "test_set": test_set}
    threshold = np.float32(model["threshold"])
    return {
        "subgroups": about
        | {"threshold": float(threshold), "features": subgroup_quality(scored, float(threshold), values)},
        "explanation": about | explain_model(prepared, rows, model, settings),
    }


def _prevalence(
    prepared: Prepared,
    rows: Mapping[str, np.ndarray],
    validation: Mapping[str, dict[str, Any]],
    settings: Settings,
) -> Prevalence:
    truth = prepared.players.truth[next(iter(rows.values()))]
    known = known_prevalence(truth, settings.data.prevalence)
    return known or Prevalence(**next(iter(validation.values()))["prevalence"])


def _held_out(prepared: Prepared, rows: np.ndarray, prevalence: Prevalence, settings: Settings) -> HeldOut:
    players = prepared.players
    return held_out(players.labels[rows], players.truth[rows], len(settings.populations.negatives), prevalence.value)


def _candidate(model: dict[str, Any], validation: Mapping[str, Any], features: Mapping[str, np.ndarray]) -> Candidate:
    return Candidate(
        probabilities={name: class_probabilities(model, raw) for name, raw in features.items()},
        point=OperatingPoint(**validation["point"]),
        members=validation["members"],
        fold_points=[OperatingPoint(**point) for point in validation["folds"]],
    )


def _champions(
    registry: Registry, features: Mapping[str, np.ndarray], models: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, Champion], dict[str, int]]:
    """Return the champions' probabilities, and the versions of those that cannot be compared."""
    champions, strangers = {}, {}
    for definition, rival in models.items():
        version = registry.champion(definition)
        if version is None:
            continue
        model = read_archive(registry.fetch_archive(version.version), version.sha256)
        if not _is_comparable(model, rival):
            strangers[definition] = version.version
            continue
        probabilities = {name: class_probabilities(model, raw) for name, raw in features.items()}
        champions[definition] = Champion(version.version, version.threshold, probabilities)
    return champions, strangers


def _say_not_comparable(verdict: dict[str, Any], version: int) -> None:
    verdict["sentence"] += f" (the champion, version {version}, has other features or classes: not compared)"
    verdict["champion"] = {"version": version, "difference": None, "low": None, "high": None, "verdict": "no rival"}


def _is_comparable(model: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two models read the same features and mean the same labelled classes by the same columns."""
    labeled = [one["class_names"][: one["rare_index"] + 1] for one in (model, other)]
    return list(model["feature_names"]) == list(other["feature_names"]) and list(labeled[0]) == list(labeled[1])
