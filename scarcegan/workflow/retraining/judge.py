"""The step `evaluate`: the run's models, rivals and champions on the same untouched test players, and why."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scarcegan.data.attributes import attributes_of
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED
from scarcegan.evaluation.evaluate import Challenger, Champion, evaluate_models
from scarcegan.evaluation.figures import AttributeGroups, Subgroups
from scarcegan.evaluation.groups import attribute_tables, subgroup_features, subgroup_quality
from scarcegan.evaluation.records import Evaluation
from scarcegan.evaluation.scored import Scored, held_out
from scarcegan.registry import Registry
from scarcegan.serving.explanation import explain_model
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import Explanation
from scarcegan.settings import Settings
from scarcegan.settings.estimators import SCARCEGAN
from scarcegan.words import Say, announced, unsaid
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import Selected


def judge_models(
    prepared: Prepared,
    models: Mapping[str, Model],
    validation: Mapping[str, Selected],
    families: Mapping[str, Mapping[str, np.ndarray]],
    rivals: Mapping[str, Mapping[str, np.ndarray]],
    registry: Registry,
    settings: Settings,
    say: Say = unsaid,
) -> Evaluation:
    """Evaluate the models of a run, from `select_models`, beside their rivals' scores of the same test players.

    Families beside ScarceGAN and rivals are risks of the test players, float [n], by name and test set; where none is
    given, it is not told what each brings.

    The headline model is measured by subgroup as well, and by attributes that are no inputs, on the first test set.
    The registry knows the champions. `say` is told what is scored and measured.
    """
    rows, players, rare = prepared.test_rows(), prepared.players, len(settings.populations.negatives)
    prevalence = next(iter(validation.values())).prevalence
    held = {name: held_out(players.labels[at], players.truth[at], rare, prevalence.value) for name, at in rows.items()}
    features = {name: players.features[at] for name, at in rows.items()}
    challengers = {}
    for name, model in announced(models, "Scoring test players with `{}`", say):
        chosen = validation[name]
        # Once each: every family's trees were scored in `select`, and ScarceGAN is what the model and it alone share.
        own = _told(model.scarcegan_alone(), features) if families else {}
        alone = _alone(own, rare, families)
        told = {test: _joined(model, own[test], {family: of[test] for family, of in families.items()}) for test in own}
        told = told or _told(model, features)
        challengers[name] = Challenger(
            told, chosen.point, chosen.promise, chosen.members, chosen.folds, model.score_kind, chosen.shares, alone
        )
    champions = _champions(registry, features, models, say)
    evaluation = evaluate_models(held, challengers, rivals, champions, prevalence, settings, say)
    model, first = models[evaluation.headline], evaluation.test_sets[0]
    scored = held[first].scored(challengers[evaluation.headline].probabilities[first][:, rare])
    return replace(
        evaluation,
        subgroups=_subgroups(model, first, features[first], scored, settings),
        attribute_groups=_attribute_groups(model, first, players.ids[rows[first]], scored, settings),
    )


def explain_on_test(prepared: Prepared, model: Model, seed: int) -> Explanation:
    """Explain a model on drawn players of the first test set, counted from the median of the unlabelled pool."""
    players = prepared.players
    name, rows = next(iter(prepared.test_rows().items()))
    is_labeled_risky = players.labels[rows] == model.rare_index
    truth = np.where((players.truth[rows] == UNKNOWN_TRUTH) & is_labeled_risky, 1, players.truth[rows])
    typical = np.nanmedian(players.features[(prepared.fold >= 0) & (players.labels == UNLABELED)], axis=0)
    return explain_model(model, name, players.features[rows], truth, typical, seed)


def _told(model: Model, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: model.probabilities(raw) for name, raw in features.items()}


def _alone(
    own: Mapping[str, np.ndarray], rare: int, families: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, dict[str, np.ndarray]]:
    """Return each family's own risks by test set and name, ScarceGAN's first."""
    return {
        test: {SCARCEGAN: told[:, rare], **{name: risks[test] for name, risks in families.items()}}
        for test, told in own.items()
    }


def _joined(model: Model, own: np.ndarray, risks: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the model's class probabilities, float32 [n, classes], from ScarceGAN's and all families' risks."""
    columns = np.array(own.T, order="C")
    model.join(columns, [risks[family.name] for family in model.families])
    return columns.T


def _champions(
    registry: Registry, features: Mapping[str, np.ndarray], models: Mapping[str, Model], say: Say
) -> dict[str, Champion]:
    """Return the champion of each definition that has one, with its probabilities if it can be compared."""
    champions = {}
    for definition, ours in models.items():
        version = registry.champion(definition)
        if version is None:
            continue
        say(f"Scoring test players with version {version.version}, the champion of `{definition}`")
        model = Model.load(registry.fetch(version.sha256), version.sha256)
        # Comparable models read the same features and mean the same labelled classes by the same columns.
        labeled = [one.class_names[: one.rare_index + 1] for one in (model, ours)]
        is_comparable = model.feature_names == ours.feature_names and labeled[0] == labeled[1]
        told = _told(model, features) if is_comparable else None
        champions[definition] = Champion(version.version, version.threshold, told)
    return champions


def _subgroups(
    model: Model, test_set: str, features: np.ndarray, scored: Scored, settings: Settings
) -> Subgroups | None:
    """Measure a model by subgroup on one test set; None where no feature sets players apart."""
    names = list(model.feature_names)
    chosen = subgroup_features(names, settings.evaluate.subgroup_features, settings.telemetry.roles.activity)
    if not chosen:
        return None
    values = {name: features[:, names.index(name)] for name in chosen}
    measured = subgroup_quality(scored, model.threshold, values)
    return Subgroups(model.definition, test_set, model.threshold, measured)


def _attribute_groups(
    model: Model, test_set: str, ids: np.ndarray, scored: Scored, settings: Settings
) -> AttributeGroups | None:
    """Measure a model by attributes on one test set, whose players' ids are given; None without attributes."""
    attributes, smallest = attributes_of(ids, settings), settings.evaluate.smallest_group
    if not attributes:
        return None
    tables, compared = attribute_tables(scored, model.threshold, attributes, smallest)
    return AttributeGroups(model.definition, test_set, model.threshold, smallest, compared, tables)
