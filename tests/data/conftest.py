import numpy as np
import pandas as pd
import pytest

from scarcegan.data.players import Players
from scarcegan.settings import load

SIZES = {"dormant": 30, "normal": 40, "heavy": 35, "risky": 12, "unlabeled": 200}


@pytest.fixture
def settings():
    """Settings of the `tables` source; keyword arguments are sections to change."""

    def make(**sections):
        sections["data"] = {"source": "tables", **sections.get("data", {})}
        return load(sections)

    return make


@pytest.fixture
def players():
    """Players of given population sizes with three random features and no test set."""

    def make(sizes=SIZES, seed=0):
        labels = np.repeat(np.arange(len(sizes), dtype=np.int8), list(sizes.values()))
        labels[labels == len(sizes) - 1] = -1
        n = len(labels)
        return Players(
            ids=np.arange(n),
            features=np.random.default_rng(seed).random((n, 3), dtype=np.float32),
            feature_names=("opens", "burst", "night"),
            labels=labels,
            truth=np.full(n, -1, dtype=np.int8),
            test_set=np.zeros(n, dtype=np.int8),
        )

    return make


@pytest.fixture(scope="session")
def skewed():
    """Three columns as telemetry has them: a long tail, small counts, a constant."""

    def make(rows, seed=0):
        rng = np.random.default_rng(seed)
        columns = [rng.gamma(1, 5, rows), rng.poisson(0.3, rows), np.full(rows, 7.0)]
        return np.stack(columns, axis=1).astype(np.float32)

    return make


@pytest.fixture
def five_tables():
    """The five populations as frames: a player id and three features."""
    rng = np.random.default_rng(0)
    frames, first = {}, 0
    for name, size in SIZES.items():
        columns = {"player_id": np.arange(first, first + size), "opens": rng.integers(0, 90, size)}
        frames[name] = pd.DataFrame(columns | {"burst": rng.random(size), "night": rng.random(size) < 0.5})
        first += size
    return frames


@pytest.fixture
def folder_of(tmp_path):
    """Write frames as parquet (or CSV) files, one per population, and return the folder's location."""

    def write(frames, suffix=".parquet", name="in"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for population, frame in frames.items():
            if suffix == ".csv":
                frame.to_csv(folder / f"{population}.csv", index=False)
            else:
                frame.to_parquet(folder / f"{population}.parquet", index=False)
        return str(folder)

    return write
