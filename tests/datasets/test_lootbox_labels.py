import datetime
import subprocess
import sys

import pandas as pd

COHORTS = pd.DataFrame(
    {
        "cutoff": [datetime.date(2023, 3, 14)] * 3 + [datetime.date(2023, 4, 13)],
        "player_id": [1, 2, 3, 1],
        "population": ["risky", "test", "unlabeled", "heavy"],
        "truth_risky": [1, 0, 1, 0],
    }
)


def test_the_command_writes_the_cohorts_of_one_cutoff_as_labels_known_a_month_later(tmp_path, monkeypatch):
    (tmp_path / "lootbox").mkdir()
    COHORTS.to_parquet(tmp_path / "lootbox" / "cohorts.parquet")
    monkeypatch.setenv("SCARCEGAN_DATA", str(tmp_path))
    command = [sys.executable, "-m", "scarcegan.datasets.lootbox_labels", "2023-03-14", str(tmp_path / "out.parquet")]
    subprocess.run(command, check=True)
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert table["population"].tolist() == ["risky", "test", "unlabeled"]
    assert set(table["since"]) == {datetime.date(2023, 3, 14)}
    assert set(table["known_at"]) == {datetime.date(2023, 4, 13)}
