from datetime import date

import numpy as np
import pandas as pd
import pytest

from scarcegan import settings
from scarcegan.datasets import simulated
from scarcegan.problems import DataProblem, SettingsProblem

SMALL = {"players": 1_500, "days": 40, "risky_share": 0.04, "labeled_risky": 30, "labeled_negatives": 60}


def configured(path="", seed=7, features=None, **changes):
    return settings.load(
        {
            "seed": seed,
            "data": {"path": str(path)},
            "simulated": SMALL | changes,
            "features": features or {"window_days": 30},
        }
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return configured(tmp_path_factory.mktemp("simulated") / "small")


@pytest.fixture(scope="module")
def players(small):
    return simulated.load(small)


def table(chosen, name):
    return pd.read_parquet(simulated.write_telemetry(chosen) / f"{name}.parquet")


def test_every_player_has_a_row_of_features_and_a_known_truth(players):
    assert players.ids.tolist() == list(range(1, 1_501))
    assert players.features.shape == (1_500, len(players.feature_names))
    assert np.isfinite(players.features).all()
    assert players.truth.sum() == 60
    assert set(players.truth.tolist()) == {0, 1}
    assert players.cutoff == simulated.CUTOFF


def test_labels_come_in_the_numbers_asked_for(players):
    assert np.bincount(players.labels[players.labels >= 0]).tolist() == [60, 60, 60, 30]


def test_test_players_are_a_sample_of_everybody_and_carry_no_label(players):
    in_test = players.test_set == 1
    assert players.test_sets == ("test",)
    assert in_test.sum() == pytest.approx(0.3 * 1_500, abs=2)
    assert players.truth[in_test].mean() == pytest.approx(0.04, abs=0.001)
    assert (players.labels[in_test] == -1).all()


def test_class_order_follows_the_configuration(small, players):
    order = ["heavy", "dormant", "normal"]
    turned = small.model_copy(update={"populations": settings.Populations(negatives=tuple(order))})
    labels = simulated.load(turned).labels
    assert np.array_equal(labels == 0, players.labels == 2)
    assert np.array_equal(labels == 1, players.labels == 0)


def test_one_label_in_twenty_is_wrong_and_lies_next_door(small):
    named = table(small, "labels").merge(table(small, "truth"), on="player_id")
    named = named[named["population"].isin(simulated.KINDS)]
    rank = {kind: index for index, kind in enumerate(simulated.KINDS)}
    distance = (named["population"].map(rank) - named["kind"].map(rank)).abs()
    wrong = distance[distance > 0].groupby(named["population"]).size()
    assert wrong.to_dict() == {"dormant": 3, "normal": 3, "heavy": 3, "risky": 2}
    assert distance.max() == 1


def test_the_label_table_tells_nothing_of_the_truth(small):
    assert list(table(small, "labels")) == ["player_id", "population"]
    assert not {"kind", "truth_risky"} & set(table(small, "telemetry"))


def test_telemetry_has_one_row_per_active_day_before_the_cutoff(small):
    telemetry = table(small, "telemetry")
    assert list(telemetry) == ["player_id", "date", *simulated.COUNTERS]
    assert not telemetry.duplicated(["player_id", "date"]).any()
    assert telemetry[list(simulated.COUNTERS)].any(axis=1).all()
    assert telemetry["date"].max() == date(2025, 12, 31)
    assert telemetry["date"].min() == date(2025, 11, 22)


def test_missing_days_are_lost_but_nobody_disappears(tmp_path, monkeypatch):
    def telemetry(missing):
        monkeypatch.setattr(simulated, "MISSING_DAY_SHARE", missing)
        return table(configured(tmp_path / str(missing)), "telemetry")

    complete, holed = telemetry(0.0), telemetry(0.3)
    assert len(holed) / len(complete) == pytest.approx(0.7, abs=0.02)
    recent = holed[holed["date"] >= date(2025, 12, 4)]
    assert recent["player_id"].nunique() == 1_500


def test_a_complete_folder_is_reused_as_it_is(small, players):
    folder = simulated.write_telemetry(small)
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    again = simulated.load(small)
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert set(before) == {"telemetry.parquet", "labels.parquet", "truth.parquet", "simulation.json"}
    assert np.array_equal(again.features, players.features)


def test_the_same_seed_writes_the_same_and_another_seed_another_population(small, players, tmp_path):
    same = simulated.load(configured(tmp_path / "same"))
    other = simulated.load(configured(tmp_path / "other", seed=8))
    assert np.array_equal(same.features, players.features)
    assert np.array_equal(same.labels, players.labels)
    assert not np.array_equal(other.truth, players.truth)


def test_without_a_path_the_project_keeps_one_folder_per_simulation(tmp_path, monkeypatch):
    monkeypatch.setattr("scarcegan.project.project_root", lambda: tmp_path)
    usual, drifted = configured(), configured(drift=0.5)
    folders = [simulated.write_telemetry(chosen) for chosen in (usual, drifted)]
    names = [simulated.fingerprint(chosen.simulated, chosen.seed) for chosen in (usual, drifted)]
    kept = tmp_path / ".scarcegan" / "simulated"
    assert folders == [kept / name for name in names]
    assert sorted(file.name for file in kept.iterdir()) == sorted(names)


def test_an_interrupted_writing_leaves_nothing_behind(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(simulated.pq, "write_table", fails)
    with pytest.raises(KeyboardInterrupt):
        simulated.write_telemetry(configured(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_was_faster_wins(tmp_path, monkeypatch):
    chosen = configured(tmp_path / "out")
    write = simulated._write_tables

    def writes_while_another_finishes(*arguments):
        monkeypatch.setattr(simulated, "_write_tables", write)
        simulated.write_telemetry(chosen)
        write(*arguments)

    monkeypatch.setattr(simulated, "_write_tables", writes_while_another_finishes)
    assert simulated.write_telemetry(chosen) == tmp_path / "out"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled(tmp_path):
    assert simulated.load(configured(tmp_path)).truth.sum() == 60


@pytest.mark.parametrize("stamp", ["not ours", '{"fingerprint": "another"}\n'])
def test_a_folder_with_something_else_is_left_alone(tmp_path, stamp):
    (tmp_path / "simulation.json").write_text(stamp)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataProblem, match="new, empty or telemetry of this simulation"):
        simulated.write_telemetry(configured(tmp_path))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_remote_path_is_refused():
    with pytest.raises(SettingsProblem, match=r"need a local data\.path, got 's3://bucket/players'"):
        simulated.write_telemetry(configured("s3://bucket/players"))


def test_a_window_longer_than_the_simulation_is_refused():
    chosen = configured(features={"window_days": 60})
    message = r"features.window_days \(60\) is longer than simulated.days \(40\)"
    with pytest.raises(SettingsProblem, match=message):
        simulated.load(chosen)


def test_more_labels_than_players_are_refused(tmp_path):
    message = r"simulated.labeled_risky: 60 labels 'risky' need 57 players of one kind, got 42 outside the test"
    with pytest.raises(SettingsProblem, match=message):
        simulated.load(configured(tmp_path / "out", labeled_risky=60))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_default_is_neither_easy_nor_hopeless(tmp_path):
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import average_precision_score

    players = simulated.load(settings.load({"data": {"path": str(tmp_path / "default")}}))
    in_test, labeled = players.test_set == 1, players.labels >= 0
    forest = ExtraTreesClassifier(100, class_weight="balanced", random_state=0)
    forest.fit(players.features[labeled], players.labels[labeled])
    truth = players.truth[in_test]
    precision = average_precision_score(truth, forest.predict_proba(players.features[in_test])[:, 3])
    level = players.features[in_test, players.feature_names.index("sessions_level")]
    assert 0.3 < precision < 0.75
    assert average_precision_score(truth, level) < 0.15
    assert truth.mean() == pytest.approx(0.01)
