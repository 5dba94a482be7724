import numpy as np
import pyarrow.parquet as pq
import pytest
from scoring import MODELS, make_model, shipped, write_players


@pytest.fixture(scope="module")
def players(tmp_path_factory):
    path = tmp_path_factory.mktemp("scoring") / "players.parquet"
    write_players(path, 3_000)
    return path


@pytest.mark.parametrize("name", ["1", "folds_20"])
def test_what_is_timed_is_the_whole_file_scored(players, name):
    model = make_model(*MODELS[name])
    seconds, rows, mean_score = shipped(players, model)
    table = pq.read_table(players, columns=list(model.feature_names))
    wanted = model.risk(np.column_stack([column.to_numpy() for column in table.columns]))
    assert (rows, seconds > 0) == (3_000, True)
    assert mean_score == pytest.approx(wanted.mean(), abs=1e-6)


def test_the_file_is_what_a_snapshots_part_is(players):
    file = pq.ParquetFile(players)
    assert file.metadata.row_group(0).column(1).compression == "UNCOMPRESSED"
    assert len(file.schema_arrow) == 51
    assert not any(field.nullable for field in file.schema_arrow)


def test_models_have_the_members_their_names_say():
    for name, wanted in {"1": 1, "20": 20, "folds_20": 20, "default_20": 20}.items():
        trunk, members = MODELS[name]
        assert sum(members) == wanted
        assert trunk == ((200, 50) if name.startswith("default") else (15, 21, 8))
