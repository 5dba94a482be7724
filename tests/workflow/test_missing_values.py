"""Players with missing values go the whole way: trained on, selected, measured, explained, archived and served."""

from dataclasses import replace

import numpy as np
import pytest

from scarcegan.serving.explanation import explain_model
from scarcegan.serving.model import Model
from scarcegan.workflow.retraining.families import family_risks
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.judge import judge_models
from scarcegan.workflow.retraining.rivals import train_rivals
from scarcegan.workflow.retraining.select import select_models


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
    evaluation = judge_models(lacking, *trained, rivals, registry, settings)
    assert evaluation.models["balanced"].test["later"].pr_auc.value > 0.5
    assert evaluation.rivals["logistic_regression"]["later"].pr_auc.value > 0.5


def test_reasons_name_what_is_missing(trained, lacking):
    players, later = lacking.players, lacking.fold == -1
    typical = np.nanmedian(players.features[lacking.fold >= 0], axis=0)
    model = replace(trained[0]["balanced"], threshold=0.0)
    told = explain_model(model, "later", players.features[later], players.truth[later], typical, seed=1)
    assert np.isfinite([one.mean_attribution for one in told.importance]).all()
    words = [reason.words for one in told.examples for reason in one.reasons]
    assert words
    assert not any("nan" in text for text in words)


def test_the_archive_scores_as_the_model_does(trained, lacking, tmp_path):
    model = trained[0]["balanced"]
    model.save(tmp_path / "model.tar.gz", {})
    raw = lacking.players.features
    np.testing.assert_array_equal(Model.load(tmp_path / "model.tar.gz").risk(raw), model.risk(raw))
