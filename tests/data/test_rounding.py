"""Values that float32 cannot tell apart are named: what follows is not laid on the data."""

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.populations import load_populations
from scarcegan.data.rounding import Rounding
from scarcegan.data.tables import read_parts
from scarcegan.workflow.features.table import publish_table

ROWS = np.arange(400)
ROUNDED = {
    "near 2^53": 2**53 - ROWS,
    "beyond 2^53": 2**60 + ROWS,
    "days as numbers": 20_260_101 + ROWS % 28,
    "below the least float": ROWS * 1e-50,
    "close to one": 1 + ROWS * 1e-9,
}
KEPT = {
    "constant": np.full(400, 0.1),
    "steps of 128 that are kept": 2**30 + 128 * ROWS,
    "seconds": 1_780_000_000 + 86_400 * ROWS,
    "with gaps": np.where(ROWS % 2, np.nan, ROWS / 7),
    "none": np.full(400, np.nan),
    "huge": ROWS * 1e300,
    "infinite": np.where(ROWS == 3, np.inf, 1.0),
    "few steps": 1_013.2 + ROWS % 6 * 0.01,
    "few values": np.where(ROWS % 2, 0.1, 0.7),
}


@pytest.fixture
def table(tmp_path):
    frame = pd.DataFrame({"player_id": ROWS, **ROUNDED, **KEPT})
    frame.to_parquet(tmp_path / "table.parquet")
    return str(tmp_path / "table.parquet")


def test_columns_whose_values_are_too_close_together_are_named(table, monkeypatch):
    monkeypatch.setattr("scarcegan.data.tables.BATCH_ROWS", 50)  # what differs between pieces alone is seen too
    rounding = Rounding()
    for _, rows in read_parts(table):
        rounding.add(rows, [*ROUNDED, *KEPT])
    [note] = rounding.notes()
    assert note.startswith("5 columns are rounded, ")
    assert f"apart: {', '.join(map(repr, ROUNDED))}; subtract a constant" in note


def test_a_run_and_a_published_table_say_so(five_tables, folder_of, settings, tmp_path):
    tables = {name: frame.assign(serial=2**53 - np.arange(len(frame))[::-1] * 3) for name, frame in five_tables.items()}
    folder = folder_of(tables)
    told = "1 column is rounded, values lying closer together than 32-bit floats tell apart: 'serial'"
    assert any(note.startswith(told) for note in load_populations(settings(data={"path": folder})).notes)
    changed = settings(data={"path": folder}, snapshots={"folder": str(tmp_path / "snapshots")})
    manifest = publish_table(f"{folder}/unlabeled.parquet", "first", changed)
    assert any(note.startswith(told) for note in manifest.frame.notes)
