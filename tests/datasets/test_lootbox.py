import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from scarcegan import settings
from scarcegan.datasets import lootbox
from scarcegan.problems import DataProblem, SettingsProblem

COUNTERS = ("opens", "types", "burst", "night", "wins")
POPULATIONS = ("dormant", "normal", "heavy", "risky", "unlabeled", "test")


def configured(path="", cutoff="2023-04-13", **changes):
    data = {"source": "lootbox", "path": str(path)}
    return settings.load({"data": data, "lootbox": {"cutoff": cutoff}, **changes})


@pytest.fixture
def small_files(tmp_path):
    """60 players with a row on every day of the log, ten in each population; player 0 is in no cohort."""
    rng = np.random.default_rng(1)
    days = [date(2023, 1, 1) + timedelta(days=day) for day in range(120)]
    daily = pd.DataFrame([(player, day) for player in range(61) for day in days], columns=["player_id", "date"])
    daily[list(COUNTERS)] = rng.integers(1, 9, (len(daily), 5)).astype(np.int16)
    daily.astype({"player_id": np.int32}).to_parquet(tmp_path / "daily_counters.parquet")
    cohorts = pd.DataFrame({"cutoff": date(2023, 4, 13), "player_id": np.arange(60, 0, -1)})
    cohorts["population"] = np.resize(POPULATIONS, 60)
    cohorts["truth_risky"] = (cohorts["population"] == "risky").astype(np.int8)
    cohorts.to_parquet(tmp_path / "cohorts.parquet")
    return tmp_path


def test_cohorts_become_labels_and_a_test_set(small_files):
    players = lootbox.load(configured(small_files))
    assert players.ids.tolist() == list(range(1, 61))
    # Ids run against the cohorts' order, so a join by position would show.
    expected = [
        ("dormant", "normal", "heavy", "risky").index(name) if name in POPULATIONS[:4] else -1
        for name in np.resize(POPULATIONS, 60)
    ][::-1]
    assert players.labels.tolist() == expected
    assert np.flatnonzero(players.test_set == 1).tolist() == list(range(0, 60, 6))
    assert np.array_equal(players.truth == 1, players.labels == 3)
    assert players.cutoff == "2023-04-13"


def test_days_after_the_cutoff_and_before_the_window_do_not_count(small_files):
    before = lootbox.load(configured(small_files)).features
    file = small_files / "daily_counters.parquet"
    daily = pd.read_parquet(file)
    inside = (daily["date"] >= date(2023, 2, 12)) & (daily["date"] < date(2023, 4, 13))
    daily.loc[~inside, list(COUNTERS)] = 300
    daily.to_parquet(file)
    assert np.array_equal(lootbox.load(configured(small_files)).features, before)
    daily.loc[inside, list(COUNTERS)] = 300
    daily.to_parquet(file)
    assert not np.array_equal(lootbox.load(configured(small_files)).features, before)


def test_a_player_without_telemetry_in_the_window_is_a_problem(small_files):
    file = small_files / "daily_counters.parquet"
    daily = pd.read_parquet(file)
    daily[(daily["player_id"] != 5) | (daily["date"] < date(2023, 2, 12))].to_parquet(file, index=False)
    with pytest.raises(DataProblem, match=r"1 of 60 players have no telemetry in the 60 days .*cut-off: raise"):
        lootbox.load(configured(small_files))


def test_an_unknown_population_is_a_problem(small_files):
    file = small_files / "cohorts.parquet"
    pd.read_parquet(file).replace({"population": {"heavy": "whale"}}).to_parquet(file)
    with pytest.raises(DataProblem, match=r"got \['whale'\] too"):
        lootbox.load(configured(small_files))


def test_a_cutoff_without_cohorts_is_a_problem(small_files):
    with pytest.raises(DataProblem, match=r"expected cohorts of 2023-02-12, got cut-offs \['2023-04-13'\]"):
        lootbox.load(configured(small_files, cutoff="2023-02-12"))


@pytest.mark.parametrize("name", ["daily_counters.parquet", "cohorts.parquet"])
def test_a_corrupt_file_is_a_problem(small_files, name):
    (small_files / name).write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataProblem, match=rf"cannot read \S+{name}: "):
        lootbox.load(configured(small_files))


def test_a_folder_without_the_files_is_a_problem(tmp_path):
    with pytest.raises(DataProblem, match=r"daily_counters\.parquet, found none: set SCARCEGAN_DATA"):
        lootbox.load(configured(tmp_path))


def test_no_folder_at_all_says_what_to_set(no_data):
    with pytest.raises(DataProblem, match=r"set SCARCEGAN_DATA to the folder that holds lootbox/, or data\.path"):
        lootbox.load(configured())


def test_the_command_writes_the_cohorts_of_one_cutoff_as_labels_known_a_month_later(small_files, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lootbox").symlink_to(small_files)
    monkeypatch.setenv("SCARCEGAN_DATA", str(tmp_path / "data"))
    file = tmp_path / "labels.parquet"
    subprocess.run([sys.executable, "-m", "scarcegan.datasets.lootbox", "2023-04-13", str(file)], check=True)
    table = pd.read_parquet(file)
    assert table["population"].tolist() == np.resize(POPULATIONS, 60).tolist()
    assert set(table["since"]) == {date(2023, 4, 13)}
    assert set(table["known_at"]) == {date(2023, 5, 13)}


def test_another_window_is_refused(small_files):
    with pytest.raises(SettingsProblem, match=r"got features\.window_days = 90: set it to 60"):
        lootbox.load(configured(small_files, features={"window_days": 90}))


@pytest.mark.parametrize(
    ("cutoff", "pool", "test", "risky_in_test"),
    [("2023-02-12", 21_084, 9_036, 93), ("2023-03-14", 30_503, 13_073, 131), ("2023-04-13", 34_305, 14_702, 106)],
)
def test_the_real_cutoffs_have_their_counts(real_data, cutoff, pool, test, risky_in_test):
    players = lootbox.load(configured(real_data / "lootbox", cutoff))
    assert np.bincount(players.test_set).tolist() == [pool, test]
    assert players.truth[players.test_set == 1].sum() == risky_in_test
    assert (players.labels == 3).sum() == 150
    assert (players.truth[players.labels == 3] == 1).all()
    assert np.isfinite(players.features).all()
    assert len(np.unique(players.ids)) == len(players)
