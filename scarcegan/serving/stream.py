"""Scoring a parquet file batch by batch: memory is one batch's, whatever the file's size."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan.problems import DataProblem
from scarcegan.serving.model import Model

# Large enough that a column's decoding costs more than asking for it; 50 features of a batch are 3 MB.
BATCH_ROWS = 16_384
# Of each column this many bytes are read ahead; a mapped file would be quicker by 0.03 us per player, but count whole.
READ_AHEAD_BYTES = 65_536


class ScoredBatch(NamedTuple):
    """Some players of a file: raw columns, float32 [features, n], and probabilities, float32 [classes, n].

    A missing value is NaN. The next batch takes the place of the columns.
    """

    ids: pa.Array
    columns: np.ndarray
    probabilities: np.ndarray


def score_parquet(model: Model, path: Path, id_column: str, batch_rows: int = BATCH_ROWS) -> Iterator[ScoredBatch]:
    """Score the players of a parquet file, in its order.

    Columns stay columns from the file to the scores: no row is ever assembled. They may have any order; only the
    model's features are read. A feature that is missing, or a value where the model fills none, is a DataProblem.
    """
    features = model.feature_names
    # `pre_buffer` would read whole column chunks ahead: memory would grow with the file's row groups.
    with pq.ParquetFile(path, buffer_size=READ_AHEAD_BYTES, pre_buffer=False) as file:
        missing = sorted({id_column, *features} - set(file.schema_arrow.names))
        if missing:
            raise DataProblem(
                f"expected the columns {', '.join(missing[:5])} in {path}, which it lacks: score a table with the "
                "features that the model was trained on"
            )
        # One for all batches: fresh memory costs more than the copy into it.
        buffer, read = np.empty((len(features), batch_rows), dtype=np.float32), 0
        for batch in file.iter_batches(batch_rows, columns=[id_column, *features], use_threads=False):
            columns = buffer[:, : len(batch)]
            for column, name in zip(columns, features, strict=True):
                # `to_numpy`, which makes a missing value NaN, imports pandas: as long as scoring 300,000 players takes.
                raw = batch[name]
                column[:] = raw.to_numpy(zero_copy_only=False) if raw.null_count else np.from_dlpack(raw)
            scored = ScoredBatch(batch[id_column], columns, model.column_probabilities(columns))
            _check_finite(scored, features, path, read)
            read += len(batch)
            yield scored


def _check_finite(batch: ScoredBatch, features: Sequence[str], path: Path, read: int) -> None:
    # NaN runs through to every class; looking at one class spares a look at all features.
    if not np.isnan(batch.probabilities[0]).any():
        return
    feature, player = np.argwhere(np.isnan(batch.columns))[0]
    raise DataProblem(
        f"expected a number for '{features[feature]}' in row {read + player + 1} of {path}, got none, which this model "
        "cannot fill: fill it in where the features are made, or train a model on players with such gaps"
    )
