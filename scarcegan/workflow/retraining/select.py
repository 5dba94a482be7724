"""The join: candidates of all folds become the models of the run, one for each business definition."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scarcegan.data.calibration import Calibration
from scarcegan.evaluation.calibrate import fit_calibration, on_scale_of
from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.promises import promised_point
from scarcegan.evaluation.records import Prevalence
from scarcegan.evaluation.scored import Scored, held_by_label
from scarcegan.serving.distribution import reference_scores
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import Candidate, FoldOffer, Selected


def select_models(
    prepared: Prepared, offers: Sequence[FoldOffer], settings: Settings
) -> tuple[dict[str, Model], dict[str, Selected]]:
    """Join the members that each fold chose into one ensemble per business definition and set its threshold.

    Scores are calibrated and thresholds set on the unlabelled players that no fold has trained or validated on. The
    models come with what validation players tell of each, by definition.
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
        model = _joined(name, candidates, prepared.players.feature_names, settings)
        unseen, rare, scored = model.probabilities(background), model.rare_index, held.scored(pooled[name])
        calibration = _calibration(scored, unseen[:, rare], prevalence, prepared.unlabeled)
        if calibration is not None:
            calibration.rescale(unseen.T, rare)
        by_fold = np.stack([replace(model, parts=(part,)).risk(background) for part in model.parts])
        point, promise = promised_point(
            definition, scored, prevalence, unseen[:, rare], by_fold, settings.review_budget, settings.confidence
        )
        reference = reference_scores(unseen, rare, point.threshold)
        models[name] = replace(model, threshold=point.threshold, reference=reference, calibration=calibration)
        members = sum(len(candidate.members) for candidate in candidates)
        selected[name] = Selected(point, promise, members, [candidate.point for candidate in candidates], prevalence)
    return models, selected


def _joined(name: str, candidates: Sequence[Candidate], feature_names: tuple[str, ...], settings: Settings) -> Model:
    return Model(
        class_names=(*settings.populations.classes, *["unknown"] * settings.model.has_unknown),
        rare_index=len(settings.populations.negatives),
        feature_names=feature_names,
        threshold=0.0,  # for now: it is set once the model has scored players
        definition=name,
        parts=tuple(candidate.part for candidate in candidates),
    )


def _calibration(
    pooled: Scored, background: np.ndarray, prevalence: Prevalence, unlabeled: float
) -> Calibration | None:
    """Fit what the final model's scores mean, from its own scores of unlabelled players, `background`, float [n].

    None where nobody knows how many players are risky: the scores are relative then.
    """
    if not prevalence.is_known:
        return None
    is_labeled = ~pooled.in_population
    # Each fold's scores have a scale of their own, wider than that of the mean over folds.
    labeled = on_scale_of(pooled.score[is_labeled], pooled.score[pooled.in_population], background)
    # The labelled are players of the population as well, each for one; a background player stands for many.
    weights = np.concatenate([np.ones(len(background)), np.full(len(labeled), len(background) / unlabeled)])
    everybody = np.concatenate([background, labeled])
    return fit_calibration(labeled[pooled.is_risky[is_labeled]], everybody, prevalence.value, weights)
