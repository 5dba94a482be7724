"""The join: candidates of all folds become the four models of the run."""

from dataclasses import asdict
from typing import Any

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH
from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.scored import held_out
from scarcegan.evaluation.selection import final_threshold
from scarcegan.serving.distribution import reference_scores
from scarcegan.serving.forward import class_probabilities
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared


def select_models(
    prepared: Prepared, folds: list[dict[str, Any]], settings: Settings
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Join the members that each fold chose into one ensemble per business definition and set its threshold.

    Thresholds are set on the unlabelled players that no fold has trained or validated on.

    Args:
        prepared: the players and their folds.
        folds: what `fit_fold` returned for each fold.
        settings: the resolved settings.

    Returns:
        The models by definition (plain arrays, see `scarcegan.serving.archive`; `reference` tells how each scores
        those unlabelled players), and what is known of each from validation: `point`, `constraint_met`, `members`,
        `folds` (their points) and `prevalence`.
    """
    rows = np.concatenate([fold["validation_rows"] for fold in folds])
    background = prepared.players.features[prepared.fold == settings.folds.k]
    labels = prepared.players.labels[rows]
    pooled = {
        definition.name: np.concatenate([fold["candidates"][definition.name]["scores"] for fold in folds])
        for definition in settings.definitions
    }
    prevalence = prevalence_of(np.mean(list(pooled.values()), axis=0), labels, settings)
    held = held_out(labels, np.full(len(rows), UNKNOWN_TRUTH), len(settings.populations.negatives), prevalence.value)
    models, validation = {}, {}
    for definition in settings.definitions:
        candidates = [fold["candidates"][definition.name] for fold in folds]
        model = _ensemble(definition.name, candidates, prepared, settings)
        unseen, rare = class_probabilities(model, background), model["rare_index"]
        threshold, point = final_threshold(
            held.scored(pooled[definition.name]), definition, settings.review_budget, unseen[:, rare]
        )
        reference = reference_scores(unseen, rare, threshold)
        models[definition.name] = model | {"threshold": threshold, "reference": reference}
        validation[definition.name] = {
            "point": asdict(point),
            "constraint_met": point.constraint_met,
            "members": sum(len(candidate["members"]) for candidate in candidates),
            "folds": [candidate["point"] for candidate in candidates],
            "prevalence": prevalence.to_plain(),
        }
    return models, validation


def _ensemble(
    definition: str, candidates: list[dict[str, Any]], prepared: Prepared, settings: Settings
) -> dict[str, Any]:
    return {
        "class_names": [*settings.populations.classes, *["unknown"] * settings.model.has_unknown],
        "rare_index": len(settings.populations.negatives),
        "feature_names": list(prepared.players.feature_names),
        "definition": definition,
        "parts": [candidate["part"] for candidate in candidates],
    }
