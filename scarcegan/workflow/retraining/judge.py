"""The evaluation job: the run's models, honest rivals and the champions on the same untouched test players."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.evaluation.prevalence import Prevalence, known_prevalence
from scarcegan.evaluation.report import Candidate, Champion, evaluate_models
from scarcegan.evaluation.scored import HeldOut, held_out
from scarcegan.evaluation.subgroups import subgroup_features, subgroup_quality
from scarcegan.registry.contract import Registry
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import Selected

HEADLINE = "review_budget"


def judge_models(
    prepared: Prepared,
    models: Mapping[str, Model],
    validation: Mapping[str, Selected],
    baselines: dict[str, dict[str, np.ndarray]],
    registry: Registry,
    settings: Settings,
) -> dict[str, Any]:
    """Evaluate the models of a run.

    What comes back is described in `scarcegan.evaluation.report`; added are, for the first test set and the model
    of the review budget (or of the first definition), `subgroups`, see `look_closer`.

    Args:
        prepared: the players and their folds.
        models: by business definition, from `select_models`.
        validation: what validation tells of each, from `select_models`.
        baselines: the rivals' scores of the test players, from `train_rivals`.
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
    models: Mapping[str, Model],
    named_test: tuple[str, np.ndarray],
    prevalence: Prevalence,
    settings: Settings,
) -> dict[str, Any]:
    """Measure the headline model by subgroup, on one test set.

    Returns:
        `subgroups`: definition, test_set, threshold and `features` (see `scarcegan.evaluation.subgroups`).
    """
    definition = HEADLINE if HEADLINE in models else next(iter(models))
    model, (test_set, rows) = models[definition], named_test
    names, features = list(prepared.players.feature_names), prepared.players.features
    chosen = subgroup_features(names, settings.evaluate.subgroup_features, settings.telemetry.roles.activity)
    scored = _held_out(prepared, rows, prevalence, settings).scored(model.risk(features[rows]))
    values = {name: features[rows, names.index(name)] for name in chosen}
    threshold = float(np.float32(model.threshold))
    about = {"definition": definition, "test_set": test_set, "threshold": threshold}
    return {"subgroups": about | {"features": subgroup_quality(scored, threshold, values)}}


def _prevalence(
    prepared: Prepared,
    rows: Mapping[str, np.ndarray],
    validation: Mapping[str, Selected],
    settings: Settings,
) -> Prevalence:
    truth = prepared.players.truth[next(iter(rows.values()))]
    known = known_prevalence(truth, settings.data.prevalence)
    return known or next(iter(validation.values())).prevalence


def _held_out(prepared: Prepared, rows: np.ndarray, prevalence: Prevalence, settings: Settings) -> HeldOut:
    players = prepared.players
    return held_out(players.labels[rows], players.truth[rows], len(settings.populations.negatives), prevalence.value)


def _candidate(model: Model, validation: Selected, features: Mapping[str, np.ndarray]) -> Candidate:
    return Candidate(
        probabilities={name: model.probabilities(raw) for name, raw in features.items()},
        point=validation.point,
        members=validation.members,
        fold_points=validation.folds,
    )


def _champions(
    registry: Registry, features: Mapping[str, np.ndarray], models: Mapping[str, Model]
) -> tuple[dict[str, Champion], dict[str, int]]:
    """Return the champions' probabilities, and the versions of those that cannot be compared."""
    champions, strangers = {}, {}
    for definition, rival in models.items():
        version = registry.champion(definition)
        if version is None:
            continue
        model = Model.load(registry.fetch_archive(version.version), version.sha256)
        if not _is_comparable(model, rival):
            strangers[definition] = version.version
            continue
        probabilities = {name: model.probabilities(raw) for name, raw in features.items()}
        champions[definition] = Champion(version.version, version.threshold, probabilities)
    return champions, strangers


def _say_not_comparable(verdict: dict[str, Any], version: int) -> None:
    verdict["sentence"] += f" (the champion, version {version}, has other features or classes: not compared)"
    verdict["champion"] = {"version": version, "difference": None, "low": None, "high": None, "verdict": "no rival"}


def _is_comparable(model: Model, other: Model) -> bool:
    """Tell whether two models read the same features and mean the same labelled classes by the same columns."""
    labeled = [one.class_names[: one.rare_index + 1] for one in (model, other)]
    return model.feature_names == other.feature_names and labeled[0] == labeled[1]
