from dataclasses import fields, replace

import numpy as np
import pytest

from scarcegan.datasets import load_players
from scarcegan.problems import SettingsProblem
from scarcegan.settings import load
from scarcegan.workflow.retraining.prepare import Prepared, prepare

SMALL = {"players": 600, "days": 60, "risky_share": 0.05, "labeled_risky": 20, "labeled_negatives": 40}


@pytest.fixture(scope="module")
def simulated():
    return load({"simulated": SMALL, "folds": {"k": 2}})


def test_a_source_becomes_players_with_folds_a_name_and_a_report(simulated):
    prepared, report = prepare(simulated)
    assert len(prepared.fold) == len(prepared.players)
    assert set(prepared.fold) == {-1, 0, 1, 2} | {-number for number in range(1, len(prepared.players.test_sets) + 1)}
    assert np.array_equal(prepared.fold < 0, prepared.players.test_set > 0)
    assert report.fingerprint == prepared.fingerprint
    assert report.players == len(prepared.players)


def test_constant_columns_are_left_out_of_any_source_and_named(simulated, monkeypatch):
    plain, _ = prepare(simulated)
    names = plain.players.feature_names

    def with_flat_columns(settings, _):
        players = load_players(settings)
        tested = players.test_set == 1
        flat = np.column_stack([np.full(len(players), 3), np.where(tested, players.ids, 7)]).astype(np.float32)
        features = np.concatenate([flat, players.features], axis=1)
        return replace(players, features=features, feature_names=("version", "season", *players.feature_names))

    monkeypatch.setattr("scarcegan.workflow.retraining.prepare.load_players", with_flat_columns)
    prepared, report = prepare(simulated)
    assert prepared.players.feature_names == names
    assert prepared.fingerprint == plain.fingerprint
    left_out = next(warning for warning in report.warnings if "constant over the pool" in warning)
    assert "'version', 'season'" in left_out


def test_the_same_settings_prepare_the_same_players_and_folds(simulated):
    (first, _), (second, _) = prepare(simulated), prepare(simulated)
    assert first.fingerprint == second.fingerprint
    assert np.array_equal(first.fold, second.fold)


def test_prepared_players_survive_the_artifact_store(prepared):
    assert prepared.to_plain()["features"] is prepared.players.features  # not a copy: there may be ten million rows
    again = Prepared.from_plain(prepared.to_plain())
    assert again.fingerprint == prepared.fingerprint
    assert np.array_equal(again.fold, prepared.fold)
    for field in fields(prepared.players):
        assert np.array_equal(getattr(again.players, field.name), getattr(prepared.players, field.name)), field.name


def test_a_feature_misnamed_for_the_evaluation_is_refused_before_the_training(simulated):
    tree = simulated.model_dump(mode="json") | {"evaluate": {"subgroup_features": ["sesions_level"]}}
    with pytest.raises(SettingsProblem, match="sesions_level"):
        prepare(load(tree))
