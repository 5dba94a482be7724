import pandas as pd
import pytest

from scarcegan.preflight.players import check_players
from scarcegan.problems import DataProblem
from scarcegan.settings import load


def test_what_stops_a_run_before_it_starts_is_told_with_what_would_stop_it_later(tmp_path):
    sizes = {"dormant": 30, "normal": 40, "heavy": 35, "risky": 3, "unlabeled": 200}
    for number, (name, size) in enumerate(sizes.items()):
        players = pd.DataFrame({"player_id": range(1000 * number, 1000 * number + size), "bets": 1.0})
        players.assign(country="PT").to_parquet(tmp_path / f"{name}.parquet")
    settings = load({"data": {"source": "tables", "path": str(tmp_path)}, "folds": {"k": 5}})
    with pytest.raises(DataProblem) as refused:
        check_players(settings)
    assert "expected at least 5 'risky' players" in str(refused.value)
    assert 'ignore_columns = ["country"]' in str(refused.value)
