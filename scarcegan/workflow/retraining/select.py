"""The join: candidates of all folds become the models of the run, one for each business definition."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from scarcegan.data.calibration import Calibration
from scarcegan.data.log_odds import pooled_risk
from scarcegan.evaluation.calibrate import fit_calibration, on_scale_of
from scarcegan.evaluation.definitions import OperatingPoint, operating_point
from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.promises import promised_point
from scarcegan.evaluation.records import Prevalence
from scarcegan.evaluation.scored import Scored, held_by_label
from scarcegan.evaluation.shares import choose_shares
from scarcegan.serving.distribution import reference_scores
from scarcegan.serving.model import Model
from scarcegan.settings import Definition, Settings
from scarcegan.settings.estimators import SCARCEGAN
from scarcegan.words import Say, announced, unsaid
from scarcegan.workflow.retraining.families import families_of, offered_by_all
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import FoldOffer, Selected


def select_models(
    prepared: Prepared, offers: Sequence[FoldOffer], settings: Settings, say: Say = unsaid
) -> tuple[dict[str, Model], dict[str, Selected]]:
    """Join what the folds offer into one ensemble of families per business definition and set its threshold.

    Families that some fold does not offer are left out. Scores are calibrated and thresholds set on the unlabelled
    players that no fold has trained or validated on. The models come with what validation players tell of each, by
    definition. `say` is told of each model.
    """
    rows = np.concatenate([offer.validation_rows for offer in offers])
    background = prepared.players.features[prepared.fold == settings.folds.k]
    labels = prepared.players.labels[rows]
    names = offered_by_all(offers, settings)
    # Every player is scored by the fold that has not trained on it: the pooled scores are out of sample.
    of_families = {name: np.concatenate([offer.families[name].scores for offer in offers]) for name in names}
    rare = len(settings.populations.negatives)
    held = held_by_label(labels, rare, settings.assumed_share, prepared.unlabeled)
    pooled, shares = {}, {}
    for definition in settings.definitions:
        name = definition.name
        own = np.concatenate([offer.candidates[name].scores for offer in offers])
        risks = {SCARCEGAN: own, **of_families}
        shares[name] = choose_shares(risks, held.scored(own), definition, settings)
        pooled[name] = pooled_risk(list(risks.values()), list(shares[name].values()))
    # One prevalence for all definitions: their precisions can then be compared.
    prevalence = prevalence_of(np.mean(list(pooled.values()), axis=0), labels, prepared.unlabeled, settings)
    held = replace(held, prevalence=prevalence.value)
    models, selected = {}, {}
    risky = [int(np.count_nonzero(prepared.players.labels[offer.validation_rows] == rare)) for offer in offers]
    definitions = {definition.name: definition for definition in settings.definitions}
    for name, definition in announced(definitions, "Joining the folds' models of `{}`, setting its threshold", say):
        model = _joined(name, offers, shares[name], prepared, settings)
        unseen, scored = model.probabilities(background), held.scored(pooled[name])
        calibration = _calibration(scored, unseen[:, rare], prevalence, prepared.unlabeled)
        if calibration is not None:
            calibration.rescale(unseen.T, rare)
        by_fold = np.stack([model.of_fold(number).risk(background) for number in range(len(offers))])
        point, promise = promised_point(definition, scored, prevalence, unseen[:, rare], by_fold, settings)
        reference = reference_scores(unseen, rare, point.threshold)
        models[name] = replace(model, threshold=point.threshold, reference=reference, calibration=calibration)
        members = sum(len(offer.candidates[name].members) for offer in offers)
        folds = _by_fold(definition, labels, prevalence.value, pooled[name], offers, settings)
        selected[name] = Selected(point, promise, members, folds, prevalence, shares[name], settings.words, risky)
    return models, selected


def _joined(
    name: str, offers: Sequence[FoldOffer], shares: Mapping[str, float], prepared: Prepared, settings: Settings
) -> Model:
    return Model(
        class_names=(*settings.populations.classes, *["unknown"] * settings.model.has_unknown),
        rare_index=len(settings.populations.negatives),
        feature_names=prepared.players.feature_names,
        threshold=0.0,  # for now: it is set once the model has scored players
        definition=name,
        parts=tuple(offer.candidates[name].part for offer in offers),
        share=shares[SCARCEGAN],
        families=families_of({one: share for one, share in shares.items() if one != SCARCEGAN}, offers),
    )


def _by_fold(
    definition: Definition,
    labels: np.ndarray,
    prevalence: float,
    pooled: np.ndarray,
    offers: Sequence[FoldOffer],
    settings: Settings,
) -> list[OperatingPoint]:
    """Return what each fold reaches on its own validation players with a threshold of its own."""
    ends, rare = np.cumsum([len(offer.validation_rows) for offer in offers])[:-1], len(settings.populations.negatives)
    return [
        operating_point(definition, held_by_label(own, rare, prevalence).scored(risk), settings.review_budget)
        for own, risk in zip(np.split(labels, ends), np.split(pooled, ends), strict=True)
    ]


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
