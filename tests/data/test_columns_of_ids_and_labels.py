"""A column that scoring would not take as a feature is none in training either: every model can score."""

import pandas as pd
import pytest

from scarcegan.data.populations import load_populations
from scarcegan.problems import DataProblem


@pytest.fixture
def load(five_tables, folder_of, settings):
    """Write the five tables with columns more, then load them."""

    def load(rename=(), data=(), **columns):
        tables = {name: frame.rename(columns=dict(rename)).assign(**columns) for name, frame in five_tables.items()}
        return load_populations(settings(data={"path": folder_of(tables), **dict(data)}))

    return load


def test_columns_called_as_what_labels_say_are_left_out_and_named(load):
    players = load(population=3.5, since=pd.Timestamp("2026-01-01"), known_at="")
    assert players.feature_names == ("opens", "burst", "night")
    [note] = players.notes
    assert note.startswith("3 columns are left out, being called as what labels say (rename it if it is a feature): ")
    assert note.endswith("'known_at', 'population', 'since'")


def test_columns_that_are_ignored_anyhow_are_not_named(load):
    assert load(since=1, data={"ignore_columns": ["since"]}).notes == ()


def test_a_feature_called_as_the_ids_of_snapshots_is_refused_before_anything_is_trained(load):
    with pytest.raises(
        DataProblem, match="no feature called 'player_id' in 'dormant', whose ids are in 'account': ren"
    ):
        load(rename={"player_id": "account"}, data={"id_column": "account"}, player_id=0.5)
