"""The step `evaluate`: the run's models, rivals and champions on the same untouched test players."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scarcegan.data.attributes import attributes_of
from scarcegan.evaluation.evaluate import Challenger, Champion, evaluate_models
from scarcegan.evaluation.figures import AttributeGroups, Subgroups
from scarcegan.evaluation.groups import attribute_tables, subgroup_features, subgroup_quality
from scarcegan.evaluation.records import Evaluation
from scarcegan.evaluation.scored import Scored, held_out
from scarcegan.registry import Registry
from scarcegan.serving.model import Model, scarcegan_of_each
from scarcegan.settings import Settings
from scarcegan.settings.estimators import SCARCEGAN
from scarcegan.words import Say, unsaid
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import Selected


def scarcegan_on_test(
    prepared: Prepared, models: Mapping[str, Model], say: Say = unsaid
) -> dict[str, dict[str, np.ndarray]]:
    """Return ScarceGAN's class probabilities of the test players, float32 [n, classes], by test set and definition.

    They are those of the models' networks alone, not calibrated. `say` is told that they are made.
    """
    say("Scoring test players with ScarceGAN")
    features = prepared.players.features
    return {test: scarcegan_of_each(models, features[rows]) for test, rows in prepared.test_rows().items()}


def challengers_of(
    prepared: Prepared,
    models: Mapping[str, Model],
    validation: Mapping[str, Selected],
    families: Mapping[str, Mapping[str, np.ndarray]],
    own: Mapping[str, Mapping[str, np.ndarray]],
) -> dict[str, Challenger]:
    """Return the models of a run, from `select_models`, with what they say of the test players, to be judged by it.

    Families beside ScarceGAN are risks of the test players, float [n], by name and test set, see `family_risks`; where
    none is given, it is not told what each brings. ScarceGAN's own probabilities are those of `scarcegan_on_test`.
    """
    challengers = {}
    for name, model in models.items():
        chosen, told, alone = validation[name], {}, {}
        for test, rows in prepared.test_rows().items():
            networks, risks = own[test][name], {family: of[test] for family, of in families.items()}
            if risks:
                alone[test] = {SCARCEGAN: networks[:, model.rare_index], **risks}
            else:
                raw = np.asarray(prepared.players.features[rows].T, np.float32)
                risks = {family.name: family.risk(raw) for family in model.families}
            columns = np.array(networks.T, order="C")
            model.join(columns, [risks[family.name] for family in model.families])
            told[test] = columns.T
        challengers[name] = Challenger(
            told, chosen.point, chosen.promise, chosen.members, chosen.folds, model.score_kind, chosen.shares, alone
        )
    return challengers


def judge_models(
    prepared: Prepared,
    models: Mapping[str, Model],
    validation: Mapping[str, Selected],
    challengers: Mapping[str, Challenger],
    rivals: Mapping[str, Mapping[str, np.ndarray]],
    registry: Registry,
    settings: Settings,
    say: Say = unsaid,
) -> Evaluation:
    """Evaluate the models of a run, as challengers from `challengers_of`, beside their rivals and the champions.

    Rivals are risks of the test players, float [n], by name and test set.

    The headline model is measured by subgroup as well, and by attributes that are no inputs, on the first test set.
    The registry knows the champions. `say` is told what is scored and measured.
    """
    rows, players, rare = prepared.test_rows(), prepared.players, len(settings.populations.negatives)
    prevalence = next(iter(validation.values())).prevalence
    held = {name: held_out(players.labels[at], players.truth[at], rare, prevalence.value) for name, at in rows.items()}
    features = {name: players.features[at] for name, at in rows.items()}
    champions = _champions(registry, features, models, say)
    evaluation = evaluate_models(held, challengers, rivals, champions, prevalence, settings, say)
    model, first = models[evaluation.headline], evaluation.test_sets[0]
    scored = held[first].scored(challengers[evaluation.headline].probabilities[first][:, rare])
    return replace(
        evaluation,
        subgroups=_subgroups(model, first, features[first], scored, settings),
        attribute_groups=_attribute_groups(model, first, players.ids[rows[first]], scored, settings),
    )


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
        told = {test: model.probabilities(raw) for test, raw in features.items()} if is_comparable else None
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
