import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scarcegan.problems import DataProblem
from scarcegan.serving.stream import score_parquet


@pytest.fixture
def write(tmp_path):
    """Write players with ids from 100 to a parquet file, its columns as given."""

    def write(columns, **options):
        path = tmp_path / "players.parquet"
        players = len(next(iter(columns.values())))
        pq.write_table(pa.table({"player_id": np.arange(100, 100 + players), **columns}), path, **options)
        return path

    return write


@pytest.fixture
def score(make_model):
    model = make_model()

    def score(path, **options):
        return list(score_parquet(model, path, "player_id", **options))

    return score


def columns_of(raw):
    return {f"feature_{number}": raw[:, number] for number in range(raw.shape[1])}


@pytest.mark.parametrize("batch_rows", [1, 10, 1_000])
def test_batches_give_the_scores_of_the_whole(raw, make_model, write, score, batch_rows):
    batches = score(write(columns_of(raw)), batch_rows=batch_rows)
    assert max(len(batch.ids) for batch in batches) <= batch_rows
    together = np.concatenate([batch.probabilities for batch in batches], axis=1)
    np.testing.assert_allclose(together.T, make_model().probabilities(raw), atol=1e-6)
    assert [number for batch in batches for number in batch.ids.to_pylist()] == list(range(100, 137))


def test_columns_are_found_by_name_and_others_are_not_read(raw, write, score):
    [wanted] = score(write(columns_of(raw)))
    mixed = dict(reversed(columns_of(raw).items())) | {"label": ["x"] * len(raw)}
    [found] = score(write(mixed, compression="zstd"))
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)


def test_a_missing_column_is_refused_by_name(raw, write, score):
    with pytest.raises(DataProblem, match="expected the columns feature_5"):
        score(write(columns_of(raw[:, :5])))


@pytest.mark.parametrize("hole", [None, np.nan])
def test_a_missing_value_that_the_model_cannot_fill_is_refused_with_row_and_feature(raw, write, score, hole):
    columns = columns_of(raw)
    columns["feature_3"] = pa.array([*map(float, raw[:-1, 3]), hole], pa.float32())
    with pytest.raises(DataProblem, match=r"'feature_3' in row 37 of .*parquet, got none"):
        score(write(columns))


@pytest.mark.parametrize("hole", [None, np.nan])
def test_missing_values_of_a_file_are_filled(gaps, make_model, write, hole):
    model = make_model(indicators=(0, 3))
    holes = {
        name: pa.array([hole if np.isnan(value) else float(value) for value in column], pa.float32())
        for name, column in columns_of(gaps).items()
    }
    [found] = score_parquet(model, write(holes), "player_id")
    np.testing.assert_allclose(found.probabilities.T, model.probabilities(gaps), atol=1e-6)
    np.testing.assert_array_equal(np.isnan(found.columns.T), np.isnan(gaps))


def test_a_file_without_players_gives_no_batch(raw, write, score):
    assert score(write(columns_of(raw[:0]))) == []
