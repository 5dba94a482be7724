import numpy as np
import pandas as pd
import pytest

ROWS = {"dormant": 40, "steady": 30, "heavy": 40, "night": 40, "fraud": 30, "pool": 300}


def rows(name, first=0, count=None):
    """Rows of one population: an id of text, two features, and a row number."""
    count = count or ROWS[name]
    rng = np.random.default_rng(len(name))
    shift = 2 if name == "fraud" else 0
    return pd.DataFrame(
        {
            "number": range(count),
            "account": [f"{name}-{first + row}" for row in range(count)],
            "stakes": rng.normal(shift, 1, count).round(3),
            "nights": rng.integers(0, 9, count),
        }
    )


@pytest.fixture
def own_tables(tmp_path):
    """A folder of six tables, parquet but for one; classes, id and truth are called as a fraud team calls them."""
    folder = tmp_path / "cards"
    (folder / "pool").mkdir(parents=True)
    for name in ROWS:
        if name == "pool":
            rows(name, count=150).to_parquet(folder / name / "part-0.parquet")
            rows(name, first=150, count=150).to_parquet(folder / name / "part-1.parquet")
        elif name == "heavy":
            rows(name).to_csv(folder / "heavy.csv", index=False)
        else:
            rows(name).to_parquet(folder / f"{name}.parquet")
    test = pd.concat([rows("steady", 1000, 50).assign(is_fraud=0), rows("fraud", 1000, 10).assign(is_fraud=1)])
    test.assign(number=range(60)).to_parquet(folder / "holdout.parquet")
    (folder / "README.md").write_text("Not a table.")
    return folder


@pytest.fixture
def one_table(tmp_path):
    """One CSV file of all rows, with a column of labels."""
    names = [name for name in ROWS if name != "pool"]
    labelled = [rows(name).assign(kind=name, city="Ulm") for name in names]
    table = pd.concat([*labelled, rows("pool").assign(kind=None, city="Ulm")])
    table.assign(number=range(len(table))).to_csv(tmp_path / "all.csv", index=False)
    return tmp_path / "all.csv"


@pytest.fixture
def telemetry(tmp_path):
    """Daily counters and labels."""
    days = pd.date_range("2025-11-01", "2025-12-31").astype(str)
    players = [f"p{number}" for number in range(20)]
    counts = [(player, day, 3, 1.5) for player in players for day in days]
    folder = tmp_path / "season"
    folder.mkdir()
    pd.DataFrame(counts, columns=["player_id", "date", "sessions", "spent"]).to_parquet(folder / "daily.parquet")
    labels = pd.DataFrame({"player_id": players[:6], "population": ["risky", "normal"] * 3, "since": "2025-12-10"})
    labels.assign(source="desk").to_csv(folder / "known.csv", index=False)
    return folder
