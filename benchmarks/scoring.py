"""CPU microseconds per player of scoring: Keras' predict, the SavedModel and the shipped scorer, in one run.

Run: python benchmarks/scoring.py [--rows 5_000_000]

Uncompressed parquet of 50 features in, as a snapshot's part has it; scores out. Each way reads the file, scales and
scores it in a process of its own, on one thread: decoding and scaling count for all of them. Models have one or 20
members (in one part, with one scaler) of random weights, trunk 15-21-8 as published or 200-50 as by default. Keras
and the SavedModel score the first rows only where 5 million would take hours; all figures are per row. `folds_20` is
20 members in five parts, each with its own scaler, as a retraining with five folds makes them.
Prints one JSON object as its last line.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scarcegan.serving.model import Model

FEATURES, CLASSES = 50, 5
PUBLISHED, DEFAULT = (15, 21, 8), (200, 50)
ROW_GROUP = 100_000
TENSORFLOW_ROWS = 200_000
# name -> trunk, members of each part
MODELS = {
    "1": (PUBLISHED, [1]),
    "20": (PUBLISHED, [20]),
    "folds_20": (PUBLISHED, [4] * 5),
    "default_1": (DEFAULT, [1]),
    "default_20": (DEFAULT, [20]),
}


def write_players(path: Path, rows: int) -> None:
    """Write players as uncompressed parquet: long tails, counts and mostly empty columns, as telemetry has them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    names = ["player_id", *(f"feature_{number}" for number in range(FEATURES))]
    kinds = [pa.int64(), *[pa.float32()] * FEATURES]
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(names, kinds, strict=True)])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for start in range(0, rows, ROW_GROUP):
            size = min(ROW_GROUP, rows - start)
            columns = [_column(rng, number, size) for number in range(FEATURES)]
            writer.write_table(pa.table([np.arange(start, start + size), *columns], schema=schema))


def make_model(trunk: tuple[int, ...], members: list[int]) -> "Model":
    """Make a model of random weights with scalers fitted as in training."""
    import numpy as np

    from scarcegan.data.scaling import fit_scaler
    from scarcegan.serving.forward import Layer
    from scarcegan.serving.model import Model
    from scarcegan.serving.networks import Networks
    from scarcegan.settings import Scaling

    rng = np.random.default_rng(1)
    sizes = list(itertools.pairwise([FEATURES, *trunk, CLASSES]))
    parts = []
    for count in members:
        players = np.column_stack([_column(rng, number, 20_000) for number in range(FEATURES)])
        layers = tuple(
            Layer(
                weights=(rng.normal(size=(count, *size)) / np.sqrt(size[0])).astype(np.float32),
                bias=rng.normal(size=(count, size[1])).astype(np.float32),
            )
            for size in sizes
        )
        parts.append(Networks(fit_scaler(players, Scaling()), layers, slope=0.2))
    return Model(
        class_names=("dormant", "normal", "heavy", "risky", "unknown"),
        rare_index=3,
        feature_names=tuple(f"feature_{number}" for number in range(FEATURES)),
        threshold=0.5,
        definition="review_budget",
        parts=tuple(parts),
    )


def shipped(path: Path, model: "Model") -> tuple[float, int, float]:
    """Score a file with the shipped scorer; return CPU seconds, rows and the mean score."""
    from scarcegan.serving.stream import score_parquet

    start, rows, total = time.process_time(), 0, 0.0
    for batch in score_parquet(model, path, "player_id"):
        rows += len(batch.ids)
        total += float(batch.probabilities[model.rare_index].sum())
    return time.process_time() - start, rows, total / rows


def saved_model(path: Path, model: "Model") -> tuple[float, int, float]:
    """Score the first rows with the SavedModel that SageMaker serves."""
    import tensorflow as tf

    from scarcegan.serving.export import export

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "saved_model.pb").write_bytes(export(model))
        serve = tf.saved_model.load(folder).signatures["serving_default"]
        return _in_rows(path, lambda raw: serve(features=tf.constant(raw))["risk_score"].numpy())


def keras_predict(path: Path, model: "Model") -> tuple[float, int, float]:
    """Score the first rows as a Keras user would: scale with NumPy, then predict with each member."""
    import keras
    import numpy as np

    members = [(part, number) for part in model.parts for number in range(part.members)]
    networks = [_keras_member(keras, part, number) for part, number in members]

    def score(raw: Any) -> Any:
        scaled = {part: part.scaler.apply(raw) for part in model.parts}
        shares = [
            network.predict(scaled[part], batch_size=8_192, verbose=0)[:, model.rare_index]
            for network, (part, _) in zip(networks, members, strict=True)
        ]
        return np.mean(shares, axis=0)

    return _in_rows(path, score)


WAYS = {"shipped": shipped, "saved_model": saved_model, "keras_predict": keras_predict}


def measure(way: str, path: Path, name: str) -> dict[str, float]:
    """Measure one way with one model in a fresh process on one thread."""
    alone = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, __file__, "--measure", way, str(path), name],
        env={**os.environ, **alone, **quiet},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{way} {name}: {found}", file=sys.stderr, flush=True)
    return found


def main(rows: int) -> None:
    """Measure all ways and print the figures."""
    with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as folder:
        path = Path(folder, "players.parquet")
        # In a process of its own: the ways' peak memory would begin at what writing took.
        subprocess.run([sys.executable, __file__, "--write", str(path), str(rows)], check=True)
        measured = {name: measure("shipped", path, name) for name in MODELS}
        rivals = {
            f"{way}_{name}": measure(way, path, name)
            for way in ("saved_model", "keras_predict")
            for name in ("1", "20")
        }
    figures = {f"scoring.us_per_row_{name}": found["us_per_row"] for name, found in measured.items()}
    figures |= {f"scoring.{name}_us_per_row": found["us_per_row"] for name, found in rivals.items()}
    figures |= {f"scoring.cpu_s_100m_{name}": 100 * found["us_per_row"] for name, found in measured.items()}
    figures["scoring.x_keras_20"] = rivals["keras_predict_20"]["us_per_row"] / measured["20"]["us_per_row"]
    figures["scoring.peak_mb_above_import"] = measured["1"]["peak_mb"] - measured["1"]["before_mb"]
    print(
        json.dumps(
            {
                "figures": {name: round(value, 3) for name, value in figures.items()},
                "rows": rows,
                "tensorflow_rows": min(rows, TENSORFLOW_ROWS),
                "measured": measured | rivals,
            }
        )
    )


def _measure_here(way: str, path: Path, name: str) -> dict[str, float]:
    trunk, members = MODELS[name]
    model = make_model(trunk, members)
    before = _peak_mb()
    seconds, rows, mean_score = WAYS[way](path, model)
    return {
        "us_per_row": 1e6 * seconds / rows,
        "rows": rows,
        "mean_score": mean_score,
        "before_mb": before,
        "peak_mb": _peak_mb(),
    }


def _in_rows(path: Path, score: Any) -> tuple[float, int, float]:
    """Read batches of rows as a data frame user would, and score them; the first batch, which compiles, is apart."""
    import numpy as np
    import pyarrow.parquet as pq

    names = [f"feature_{number}" for number in range(FEATURES)]
    with pq.ParquetFile(path, memory_map=True) as file:
        batches = file.iter_batches(65_536, columns=names, use_threads=False)
        score(np.column_stack([column.to_numpy() for column in next(batches).columns]))
        start, rows, total = time.process_time(), 0, 0.0
        for batch in batches:
            raw = np.column_stack([column.to_numpy() for column in batch.columns])
            total += float(score(raw).sum())
            rows += len(raw)
            if rows >= TENSORFLOW_ROWS:
                break
        return time.process_time() - start, rows, total / rows


def _keras_member(keras: Any, part: Any, number: int) -> Any:
    network = keras.Sequential([keras.Input((FEATURES,))])
    for depth, layer in enumerate(part.layers):
        if depth:
            network.add(keras.layers.LeakyReLU(negative_slope=part.slope))
        dense = keras.layers.Dense(layer.bias.shape[1])
        network.add(dense)
        dense.set_weights([layer.weights[number], layer.bias[number]])
    network.add(keras.layers.Softmax())
    return network


def _column(rng: Any, number: int, rows: int) -> Any:
    import numpy as np

    match number % 5:
        case 0:
            return rng.poisson(3, rows).astype(np.float32)
        case 1:
            return (rng.lognormal(0, 1.5, rows) * (rng.random(rows) < 0.3)).astype(np.float32)
        case 2:
            return rng.normal(size=rows).astype(np.float32)
    return rng.lognormal(0, 1.5, rows).astype(np.float32)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(_measure_here(sys.argv[2], Path(sys.argv[3]), sys.argv[4])))
    elif sys.argv[1:2] == ["--write"]:
        write_players(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
        arguments.add_argument("--rows", type=int, default=5_000_000)
        main(arguments.parse_args().rows)
