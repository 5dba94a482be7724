import preprocess


def test_a_size_is_measured_from_tables_to_a_scaled_fold(tmp_path):
    preprocess.write_tables(tmp_path, 20_000)
    found = preprocess.preprocess(tmp_path, preprocess.EVERYBODY)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(preprocess.SHARES)
    assert found["players_mb"] * 2**20 == 20_000 * preprocess.FEATURES * 4
    assert 0.5 < found["fold_mb"] / found["players_mb"] < 0.65
    assert 0 < found["prepare_seconds"] < found["seconds"]
    assert found["before_mb"] <= found["prepare_peak_mb"] <= found["peak_mb"]
