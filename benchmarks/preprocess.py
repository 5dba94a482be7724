"""Seconds and peak memory of preprocessing: five tables to validated, split players and one scaled fold.

Run: python benchmarks/preprocess.py [--ten-million]

Each size runs in a process of its own: reading the five populations, validating them, splitting, describing, fitting
the scaler on the training rows of a fold and scaling them over their raw features, as a training task does. All
unlabelled players are kept, so that the fold is as large as it can be. `peak_x_fold` is the peak resident memory of
the whole process, the interpreter and its libraries included, over those scaled rows' size; at 50 features the raw
players alone are 1.58 times that, as test players and the fold's validation rows are no training rows. Not counted:
what Metaflow adds between the two tasks (it holds an artifact, its pickle and the compressed pickle at once) and
TensorFlow's own copy of the rows. `..._sampled` is the same with `data.max_unlabeled` at its default.
Prints one JSON object as its last line.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FEATURES = 50
SHARES = {"dormant": 0.02, "normal": 0.02, "heavy": 0.02, "risky": 0.001, "unlabeled": 0.939}
PART_ROWS = 500_000
MAX_UNLABELED, EVERYBODY = 200_000, 10**9
MB = 2**20
MEASURED = ("seconds", "cpu_seconds", "peak_mb", "seconds_sampled", "peak_mb_sampled")


def write_tables(folder: Path, rows: int) -> None:
    """Write the five populations as folders of uncompressed parquet parts, float32."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(rows)
    names = ["player_id", *(f"feature_{number}" for number in range(FEATURES))]
    first = 0
    for population, share in SHARES.items():
        (folder / population).mkdir()
        left = round(rows * share)
        for part in range(-(-left // PART_ROWS)):
            size = min(PART_ROWS, left - part * PART_ROWS)
            columns = [rng.standard_exponential(size, np.float32) for _ in range(FEATURES)]
            table = pa.table([np.arange(first, first + size), *columns], names=names)
            file = folder / population / f"part-{part:03d}.parquet"
            pq.write_table(table, file, compression="none", use_dictionary=False, row_group_size=50_000)
            first += size


def preprocess(folder: Path, max_unlabeled: int) -> dict[str, float]:
    """Preprocess the tables and return seconds, memory and sizes."""
    import numpy as np

    from scarcegan.data.folds import in_folds
    from scarcegan.data.scaling import fit_scaler
    from scarcegan.settings import load
    from scarcegan.workflow.retraining.prepare import prepare

    settings = load({"data": {"source": "tables", "path": str(folder), "max_unlabeled": max_unlabeled}})
    before = _peak_mb()
    start = time.perf_counter(), time.process_time()
    prepared, _ = prepare(settings)
    prepared_mb, prepared_seconds = _peak_mb(), time.perf_counter() - start[0]
    rows = np.flatnonzero(in_folds(prepared.fold, settings.folds.k) & (prepared.fold != 0))
    features = prepared.players.features
    scaled = fit_scaler(features, settings.scaling, rows).apply(features, rows, out=features)
    return {
        "seconds": time.perf_counter() - start[0],
        "cpu_seconds": time.process_time() - start[1],
        "prepare_seconds": prepared_seconds,
        "prepare_peak_mb": prepared_mb,
        "peak_mb": _peak_mb(),
        "before_mb": before,
        "fold_mb": scaled.nbytes / MB,
        "players_mb": features.nbytes / MB,
    }


def measure(rows: int) -> dict[str, float]:
    """Preprocess so many rows in fresh processes: all of them, and with the unlabelled ones sampled."""

    def run(*arguments: object) -> str:
        command = [sys.executable, __file__, *map(str, arguments)]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout

    with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as folder:
        run("write", folder, rows)
        sampled = json.loads(run("preprocess", folder, MAX_UNLABELED))
        sampled = {f"{name}_sampled": sampled[name] for name in ("seconds", "peak_mb")}
        return json.loads(run("preprocess", folder, EVERYBODY)) | sampled


def main(sizes: list[int]) -> None:
    """Measure each size and print the figures."""
    measured = {}
    for rows in sizes:
        measured[rows] = measure(rows)
        print(f"{rows:,} rows: {measured[rows]}", file=sys.stderr)
    largest = measured[sizes[-1]]
    figures = {
        "preprocess.peak_x_fold": largest["peak_mb"] / largest["fold_mb"],
        "preprocess.peak_x_players": largest["peak_mb"] / largest["players_mb"],
    }
    for rows, found in measured.items():
        millions = rows / 1e6
        figures |= {f"preprocess.{name}_{millions:g}m": found[name] for name in MEASURED}
        figures[f"preprocess.us_per_row_{millions:g}m"] = 1e6 * found["seconds"] / rows
        figures[f"preprocess.bytes_per_row_{millions:g}m"] = MB * (found["peak_mb"] - found["before_mb"]) / rows
    result = {
        "figures": {name: round(value, 3) for name, value in figures.items()},
        "features": FEATURES,
        "peak_x_fold_at_rows": sizes[-1],
        "measured": {
            str(rows): {name: round(value, 2) for name, value in found.items()} for rows, found in measured.items()
        },
    }
    print(json.dumps(result))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write_tables(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["preprocess"]:
        print(json.dumps(preprocess(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main([100_000, 1_000_000, *([10_000_000] if "--ten-million" in sys.argv else [])])
