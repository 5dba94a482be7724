import datetime
import subprocess
import sys

import pandas as pd
import pytest

from scarcegan.datasets.lootbox_labels import labels_table
from scarcegan.problems import DataProblem

COHORTS = pd.DataFrame(
    {
        "cutoff": [datetime.date(2023, 3, 14)] * 3 + [datetime.date(2023, 4, 13)],
        "player_id": [1, 2, 3, 1],
        "population": ["risky", "test", "unlabeled", "heavy"],
        "truth_risky": [1, 0, 1, 0],
    }
)


def test_cohorts_of_one_cutoff_become_labels_known_a_month_later():
    table = labels_table(COHORTS, "2023-03-14")
    assert table["population"].tolist() == ["risky", "test", "unlabeled"]
    assert set(table["since"]) == {datetime.date(2023, 3, 14)}
    assert set(table["known_at"]) == {datetime.date(2023, 4, 13)}


def test_a_date_without_cohorts_is_refused():
    with pytest.raises(DataProblem, match=r"cohorts of 2023-05-01, got cut-offs \['2023-03-14', '2023-04-13'\]"):
        labels_table(COHORTS, "2023-05-01")


def test_the_command_writes_the_table(tmp_path, monkeypatch):
    (tmp_path / "lootbox").mkdir()
    COHORTS.to_parquet(tmp_path / "lootbox" / "cohorts.parquet")
    monkeypatch.setenv("SCARCEGAN_DATA", str(tmp_path))
    command = [sys.executable, "-m", "scarcegan.datasets.lootbox_labels", "2023-04-13", str(tmp_path / "out.parquet")]
    subprocess.run(command, check=True)
    assert pd.read_parquet(tmp_path / "out.parquet")["player_id"].tolist() == [1]
