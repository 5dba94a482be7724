"""The evaluation job: the run's models, honest rivals and the champions on the same untouched test players."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.evaluate import Candidate, Champion, evaluate_models
from scarcegan.evaluation.prevalence import known_prevalence
from scarcegan.evaluation.records import Evaluation, Prevalence, Subgroups
from scarcegan.evaluation.scored import HeldOut, held_out
from scarcegan.evaluation.subgroups import subgroup_features, subgroup_quality
from scarcegan.registry.contract import Registry
from scarcegan.serving.archive import read_archive
from scarcegan.serving.explanation import explain_model
from scarcegan.serving.forward import class_probabilities, risk_score
from scarcegan.serving.reasons import Explanation
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared


def judge_models(
    prepared: Prepared,
    models: Mapping[str, dict[str, Any]],
    validation: Mapping[str, dict[str, Any]],
    rivals: dict[str, dict[str, np.ndarray]],
    registry: Registry,
    settings: Settings,
) -> tuple[Evaluation, Explanation]:
    """Evaluate the models of a run; the headline model is measured by subgroup and explained on the first test set.

    Args:
        prepared: the players and their folds.
        models: plain arrays by business definition, from `select_models`.
        validation: what validation tells of each, from `select_models`.
        rivals: their scores of the test players, from `train_rivals`.
        registry: where the champions are.
        settings: the resolved settings.
    """
    rows = prepared.test_rows()
    prevalence = _prevalence(prepared, rows, validation, settings)
    held = {name: _held_out(prepared, at, prevalence, settings) for name, at in rows.items()}
    features = {name: prepared.players.features[at] for name, at in rows.items()}
    candidates = {name: _candidate(model, validation[name], features) for name, model in models.items()}
    champions = _champions(registry, features, models)
    evaluation = evaluate_models(held, candidates, rivals, champions, prevalence, settings)
    headline, first = evaluation.headline, evaluation.test_sets[0]
    subgroups = _subgroups(prepared, headline, first, models[headline], held[first], settings)
    explained = explain_model(prepared, rows[first], models[headline], settings)
    explanation = Explanation.from_plain({"definition": headline, "test_set": first, **explained})
    return replace(evaluation, subgroups=subgroups), explanation


def _prevalence(
    prepared: Prepared,
    rows: Mapping[str, np.ndarray],
    validation: Mapping[str, dict[str, Any]],
    settings: Settings,
) -> Prevalence:
    truth = prepared.players.truth[next(iter(rows.values()))]
    known = known_prevalence(truth, settings.data.prevalence)
    return known or Prevalence.from_plain(next(iter(validation.values()))["prevalence"])


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
) -> dict[str, Champion]:
    """Return the champion of each definition that has one, with its probabilities if it can be compared."""
    champions = {}
    for definition, challenger in models.items():
        version = registry.champion(definition)
        if version is None:
            continue
        model = read_archive(registry.fetch_archive(version.version), version.sha256)
        told = None
        if _is_comparable(model, challenger):
            told = {name: class_probabilities(model, raw) for name, raw in features.items()}
        champions[definition] = Champion(version.version, version.threshold, told)
    return champions


def _is_comparable(model: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two models read the same features and mean the same labelled classes by the same columns."""
    labeled = [one["class_names"][: one["rare_index"] + 1] for one in (model, other)]
    return list(model["feature_names"]) == list(other["feature_names"]) and list(labeled[0]) == list(labeled[1])


def _subgroups(
    prepared: Prepared, definition: str, test_set: str, model: Mapping[str, Any], held: HeldOut, settings: Settings
) -> Subgroups | None:
    """Measure a model by subgroup on one test set; None where no feature sets players apart."""
    names, features = list(prepared.players.feature_names), prepared.players.features[prepared.test_rows()[test_set]]
    chosen = subgroup_features(names, settings.evaluate.subgroup_features, settings.telemetry.roles.activity)
    if not chosen:
        return None
    threshold = float(np.float32(model["threshold"]))
    values = {name: features[:, names.index(name)] for name in chosen}
    measured = subgroup_quality(held.scored(risk_score(model, features)), threshold, values)
    return Subgroups(definition, test_set, threshold, measured)
