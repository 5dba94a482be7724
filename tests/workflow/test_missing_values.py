"""Players with missing values go the whole way: trained on, selected, measured, explained, archived and served."""

from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data.columns import describe
from scarcegan.serving.counterfactual import nearest_counterfactual
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import contributions
from scarcegan.snapshots.manifest import Frame, Manifest
from scarcegan.workflow.retraining.explain import explain_on_test
from scarcegan.workflow.retraining.families import family_risks
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.judge import challengers_of, judge_models, scarcegan_on_test
from scarcegan.workflow.retraining.rivals import train_rivals
from scarcegan.workflow.retraining.select import select_models
from scarcegan.workflow.scoring.plan import background_of


@pytest.fixture(scope="module")
def lacking(prepared):
    """The same players, of whom a fifth lack a feature and the harmless ones another one: that tells them apart."""
    features = prepared.players.features.copy()
    rng = np.random.default_rng(2)
    features[rng.random(len(features)) < 0.2, 1] = np.nan
    is_risky = (prepared.players.labels == 3) | (prepared.players.truth == 1)
    features[~is_risky & (rng.random(len(features)) < 0.9), 4] = np.nan
    return replace(prepared, players=replace(prepared.players, features=features))


@pytest.fixture(scope="module")
def trained(lacking, settings):
    own = replace(lacking, players=replace(lacking.players, features=lacking.players.features.copy()))
    folds = [fit_fold(lacking, 0, settings, threads=1), fit_fold(own, 1, settings, threads=1, spend=True)]
    return *select_models(lacking, folds, settings), family_risks(lacking, folds, settings)


def test_each_fold_carries_its_own_fills_and_the_indicators_of_what_its_players_lack(trained):
    scalers = [part.scaler for part in trained[0]["balanced"].parts]
    assert [scaler.indicators for scaler in scalers] == [(1, 4), (1, 4)]
    assert not np.array_equal(scalers[0].fill, scalers[1].fill)


def test_what_a_missing_value_tells_is_learnt(trained, lacking):
    model, later = trained[0]["balanced"], lacking.fold == -1
    there, missing = lacking.players.features[later].copy(), lacking.players.features[later].copy()
    there[:, 4], missing[:, 4] = model.parts[0].scaler.fill[4], np.nan
    assert model.risk(there).mean() > model.risk(missing).mean()


def test_models_and_rivals_are_measured(trained, lacking, settings, registry):
    rivals, _ = train_rivals(lacking, settings, threads=1)
    challengers = challengers_of(lacking, *trained, scarcegan_on_test(lacking, trained[0]))
    evaluation = judge_models(lacking, *trained[:2], challengers, rivals, registry, settings)
    assert evaluation.models["balanced"].test["later"].pr_auc.value > 0.5
    assert evaluation.rivals["logistic_regression"]["later"].pr_auc.value > 0.5


def test_reasons_name_what_is_missing(trained, lacking):
    players, later = lacking.players, lacking.fold == -1
    model = replace(trained[0]["balanced"], threshold=0.0)
    told = explain_on_test(lacking, model, 1, {"later": model.probabilities(players.features[later])})
    assert np.isfinite([one.mean_attribution for one in told.importance]).all()
    words = [reason.words for one in told.examples for reason in one.reasons]
    assert words
    assert not any("nan" in text for text in words)


def test_what_nobody_of_a_snapshot_has_is_usual_for_nobody(trained, lacking):
    model, features = replace(trained[0]["balanced"], threshold=0.0), lacking.players.features[:40].copy()
    features[:, 2] = np.nan
    statistics = dict(zip(model.feature_names, describe(features), strict=True))
    manifest = Manifest("a", Frame("2026-01-01", 60, model.feature_names), (), statistics, "")
    background = background_of(model, manifest, {})
    assert np.isnan(background.typical).tolist() == [name == model.feature_names[2] for name in model.feature_names]
    [attributions] = model.explain(features[:1], background.typical)
    told = [one for marker in contributions(background, features[0], attributions) for one in marker.features]
    [lacked] = [one for one in told if one.feature == model.feature_names[2]]
    assert (lacked.value, lacked.usual_low, lacked.usual_high) == (None, None, None)
    assert lacked.words == f"{lacked.feature.replace('_', ' ')} missing, usually missing"
    found = nearest_counterfactual(replace(model, threshold=1e-6), background, features[0], np.abs(attributions) + 1)
    assert found is None or lacked.feature not in [one.feature for one in found.changes]


def test_the_archive_scores_as_the_model_does(trained, lacking, tmp_path):
    model = trained[0]["balanced"]
    model.save(tmp_path / "model.tar.gz", {})
    raw = lacking.players.features
    np.testing.assert_array_equal(Model.load(tmp_path / "model.tar.gz").risk(raw), model.risk(raw))
