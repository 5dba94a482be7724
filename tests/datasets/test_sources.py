import numpy as np
import pytest

from scarcegan import settings
from scarcegan.data.players import Players
from scarcegan.datasets import load_players
from scarcegan.datasets.sources import data_folder, without_ignored
from scarcegan.problems import SettingsProblem

PLAYERS = Players(
    ids=np.arange(4),
    features=np.array([[1, 5, 0], [2, 5, 0], [3, 5, 1], [4, 6, 1]], np.float32),
    feature_names=("opens", "flat_in_pool", "night"),
    labels=np.array([0, 1, -1, -1], np.int8),
    truth=np.array([0, 1, 0, 1], np.int8),
    test_set=np.array([0, 0, 0, 1], np.int8),
    test_sets=("test",),
)


def ignoring(*columns):
    return settings.Data(source="lootbox", ignore_columns=columns)


def test_ignored_columns_are_dropped_and_the_others_kept():
    assert without_ignored(PLAYERS, ignoring()).feature_names == PLAYERS.feature_names
    kept = without_ignored(PLAYERS, ignoring("opens", "flat_in_pool"))
    assert kept.feature_names == ("night",)
    assert kept.features.tolist() == [[0], [0], [1], [1]]


def test_an_ignored_column_that_does_not_exist_is_refused():
    with pytest.raises(SettingsProblem, match=r"names \['opns'\], which source 'lootbox' does not have"):
        without_ignored(PLAYERS, ignoring("opns"))


@pytest.mark.parametrize("source", ["kdd99", "lootbox", "simulated"])
def test_every_source_refuses_population_names_of_another(source):
    chosen = settings.load({"data": {"source": source}, "populations": {"negatives": ["calm"], "rare": "whale"}})
    with pytest.raises(SettingsProblem, match=r"got \['calm'\] and 'whale': set populations\.negatives = \['"):
        load_players(chosen)


def test_the_path_in_the_settings_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("SCARCEGAN_DATA", "/data")
    assert str(data_folder(settings.Data(source="lootbox", path="/mine"))) == "/mine"
    assert str(data_folder(ignoring())) == "/data/lootbox"
    monkeypatch.delenv("SCARCEGAN_DATA")
    assert data_folder(ignoring()) is None
