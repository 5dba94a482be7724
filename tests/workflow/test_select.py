from dataclasses import replace

import numpy as np
import pytest

from scarcegan import words
from scarcegan.data.log_odds import pooled_risk
from scarcegan.settings import load
from scarcegan.workflow.retraining.families import left_out_of_models
from scarcegan.workflow.retraining.records import FoldOffer
from scarcegan.workflow.retraining.select import select_models

DEFINITIONS = ["recall_first", "precision_first", "review_budget", "balanced"]


def test_there_is_one_model_for_every_definition_with_a_part_per_fold(selected, folds):
    models, validation = selected
    assert list(models) == list(validation) == DEFINITIONS
    for name, model in models.items():
        assert model.definition == name
        assert len(model.parts) == len(folds)
        assert model.class_names == ("dormant", "normal", "heavy", "risky", "unknown")
        assert model.class_names[model.rare_index] == "risky"
        assert validation[name].members == 4


@pytest.fixture(scope="session")
def of_known_prevalence(prepared, folds, settings):
    return select_models(prepared, folds, load(settings.model_dump(mode="json") | {"data": {"prevalence": 0.1}}))


def test_the_models_raw_score_pools_the_families_which_are_means_over_the_folds(of_known_prevalence, folds, prepared):
    models, validation = of_known_prevalence
    raw = prepared.players.features[:50]
    for name, model in models.items():
        one_each = [model.of_fold(number) for number in range(len(folds))]
        risks = {"scarcegan": np.mean([one.scarcegan_alone().risk(raw) for one in one_each], axis=0)}
        for at, family in enumerate(model.families):
            risks[family.name] = np.mean([one.families[at].risk(raw.T) for one in one_each], axis=0)
        shares = {family: share for family, share in validation[name].shares.items() if share}
        assert sum(shares.values()) == pytest.approx(1)
        mean = pooled_risk([risks[family] for family in shares], list(shares.values()))
        assert model.risk(raw) == pytest.approx(model.calibration.apply(mean), rel=1e-3, abs=1e-6)
        assert model.probabilities(raw).sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)


def test_scores_are_relative_where_nobody_knows_how_many_players_are_risky(selected):
    assert {model.score_kind for model in selected[0].values()} == {"relative"}


def test_scores_are_probabilities_that_make_the_prevalence_together(of_known_prevalence, prepared, settings):
    models, validation = of_known_prevalence
    pool = prepared.players.features[prepared.fold == settings.folds.k]
    for name, model in models.items():
        assert model.score_kind == "probability"
        assert model.risk(pool).mean() == pytest.approx(validation[name].prevalence.value, rel=0.8)
        ranks = [one.risk(pool).argsort().tolist() for one in (model, replace(model, calibration=None))]
        assert ranks[0] == ranks[1]


def test_the_threshold_is_set_on_unseen_players(selected, prepared, settings):
    models, validation = selected
    pool = prepared.players.features[prepared.fold == settings.folds.k]
    for name, model in models.items():
        share = model.flags(model.risk(pool)).mean()
        assert 0 < share < 1
        assert validation[name].point.threshold == model.threshold
        assert model.reference.flagged_share == share


def test_the_review_budget_is_met_where_the_players_of_the_thresholds_can_show_it(selected, prepared, settings):
    point = selected[1]["review_budget"].point
    players = np.count_nonzero(prepared.fold == settings.folds.k)
    assert point.flagged_share <= max(settings.review_budget, 1 / players)


def test_each_fold_has_a_point_of_its_own_and_its_prevalence_is_explained(selected, folds):
    for known in selected[1].values():
        assert len(known.folds) == len(folds)
        assert len({point.threshold for point in known.folds}) == len(folds)
        assert 0 < known.prevalence.value < 1
        assert known.prevalence.low <= known.prevalence.value <= known.prevalence.high


def test_a_family_that_one_fold_lacks_is_in_no_model_and_a_warning_says_why(prepared, folds, settings):
    lacking = replace(
        folds[1], families={"linear": folds[1].families["linear"]}, left_out={"small_extra_trees": "no trees"}
    )
    models, validation = select_models(prepared, [folds[0], lacking], settings)
    for name, model in models.items():
        assert list(validation[name].shares) == ["scarcegan", "linear"]
        assert {family.name for family in model.families} <= {"linear"}
    told = left_out_of_models([folds[0], lacking])
    assert told == ["family 'small_extra_trees' is in no model (fold 1): no trees"]


def test_without_other_families_a_model_is_scarcegan_alone(prepared, folds, settings):
    tree = settings.model_dump(mode="json")
    models, validation = select_models(prepared, folds, load(tree | {"train": tree["train"] | {"families": []}}))
    assert all(model.families == () and model.share == 1 for model in models.values())
    assert all(known.shares == {"scarcegan": 1.0} for known in validation.values())


def test_the_terminal_says_what_each_model_is_made_of(selected):
    for name, known in selected[1].items():
        assert known.in_words(name).startswith(f"`{name}`, made of {words.families(known.shares)}: flags ")


def test_offers_that_were_stored_give_the_same_models(selected, prepared, folds, settings):
    stored = [FoldOffer.from_plain(fold.to_plain()) for fold in folds]
    again, validation = select_models(prepared, stored, settings)
    for name, model in selected[0].items():
        assert again[name].digest({}) == model.digest({})
        assert validation[name] == selected[1][name]
