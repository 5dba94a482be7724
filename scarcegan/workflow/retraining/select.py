"""The join: candidates of all folds become the models of the run, one for each business definition."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.promises import promised_point
from scarcegan.evaluation.scored import held_by_label
from scarcegan.serving.distribution import reference_scores
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import FoldOffer, Selected


def select_models(
    prepared: Prepared, offers: Sequence[FoldOffer], settings: Settings
) -> tuple[dict[str, Model], dict[str, Selected]]:
    """Join the members that each fold chose into one ensemble per business definition and set its threshold.

    Thresholds are set on the unlabelled players that no fold has trained or validated on. The models come with what
    validation players tell of each, by definition.
    """
    rows = np.concatenate([offer.validation_rows for offer in offers])
    background = prepared.players.features[prepared.fold == settings.folds.k]
    labels = prepared.players.labels[rows]
    # Every player is scored by the fold that has not trained on it: the pooled scores are out of sample.
    pooled = {
        definition.name: np.concatenate([offer.candidates[definition.name].scores for offer in offers])
        for definition in settings.definitions
    }
    # One prevalence for all definitions: their precisions can then be compared.
    prevalence = prevalence_of(np.mean(list(pooled.values()), axis=0), labels, prepared.unlabeled, settings)
    held = held_by_label(labels, len(settings.populations.negatives), prevalence.value, prepared.unlabeled)
    models, selected = {}, {}
    for definition in settings.definitions:
        name = definition.name
        candidates = [offer.candidates[name] for offer in offers]
        model = Model(
            class_names=(*settings.populations.classes, *["unknown"] * settings.model.has_unknown),
            rare_index=len(settings.populations.negatives),
            feature_names=prepared.players.feature_names,
            threshold=0.0,  # for now: it is set once the model has scored players
            definition=name,
            parts=tuple(candidate.part for candidate in candidates),
        )
        unseen, rare = model.probabilities(background), model.rare_index
        scored, budget = held.scored(pooled[name]), settings.review_budget
        by_fold = np.stack([replace(model, parts=(part,)).risk(background) for part in model.parts])
        point, promise = promised_point(
            definition, scored, prevalence, unseen[:, rare], by_fold, budget, settings.confidence
        )
        reference = reference_scores(unseen, rare, point.threshold)
        models[name] = replace(model, threshold=point.threshold, reference=reference)
        members = sum(len(candidate.members) for candidate in candidates)
        selected[name] = Selected(point, promise, members, [candidate.point for candidate in candidates], prevalence)
    return models, selected
