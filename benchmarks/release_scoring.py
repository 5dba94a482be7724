"""CPU seconds to score a million players with a default release, and with each of its families alone.

Run: python benchmarks/release_scoring.py [--rows 200_000]

The players are the default configuration's simulated ones, of 208 features, repeated to so many rows of uncompressed
parquet; five folds train the families on them as the flow does. The networks have the default sizes and random weights:
what they say costs the same. All families have an equal share, which is the dearest release there is; what is chosen on
validation players mostly has two or three. Reading, scaling and scoring count, on one thread, and reasons do not.
Prints one JSON object as its last line.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import itertools
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan import settings as settings_module
from scarcegan.data.folds import in_folds
from scarcegan.data.players import UNLABELED
from scarcegan.data.scaling import Scaler, fit_scaler
from scarcegan.families.arrays import part_of
from scarcegan.families.estimators import fit_estimator
from scarcegan.gan.networks import SLOPE
from scarcegan.serving.ensemble import Family
from scarcegan.serving.forward import Layer
from scarcegan.serving.model import Model
from scarcegan.serving.networks import Networks
from scarcegan.serving.stream import score_parquet
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.fit import FAMILY_UNLABELED
from scarcegan.workflow.retraining.prepare import Prepared, prepare

ROW_GROUP = 100_000


def make_release(prepared: Prepared, settings: Settings) -> Model:
    """Train the families of every fold and put networks of random weights beside them, all with an equal share."""
    players, rng = prepared.players, np.random.default_rng(1)
    networks, parts = [], {name: [] for name in settings.families}
    for number in range(settings.folds.k):
        rows = np.flatnonzero(in_folds(prepared.fold, settings.folds.k) & (prepared.fold != number))
        scaler = fit_scaler(players.features, settings.scaling, rows)
        networks.append(_networks(scaler, settings, rng))
        labels = players.labels[rows]
        kept = np.concatenate(
            [np.flatnonzero(labels != UNLABELED), np.flatnonzero(labels == UNLABELED)[:FAMILY_UNLABELED]]
        )
        features, rare = scaler.apply(players.features, rows[kept]), len(settings.populations.negatives)
        for name, estimator in settings.families.items():
            parts[name].append(part_of(fit_estimator(estimator, features, labels[kept], rare, number), scaler))
    share = 1 / (1 + len(parts))
    return Model(
        class_names=(*settings.populations.classes, "unknown"),
        rare_index=len(settings.populations.negatives),
        feature_names=players.feature_names,
        threshold=0.5,
        definition="review_budget",
        parts=tuple(networks),
        share=1 - share * len(parts),
        families=tuple(Family(name, share, tuple(own)) for name, own in parts.items()),
    )


def _networks(scaler: Scaler, settings: Settings, rng: np.random.Generator) -> Networks:
    sizes, members = (
        [scaler.width, *settings.model.trunk, len(settings.populations.classes) + 1],
        settings.train.members,
    )
    layers = [
        Layer(
            (rng.normal(size=(members, *pair)) / np.sqrt(pair[0])).astype(np.float32),
            rng.normal(size=(members, pair[1])).astype(np.float32),
        )
        for pair in itertools.pairwise(sizes)
    ]
    return Networks(scaler, tuple(layers), SLOPE)


def write_players(path: Path, prepared: Prepared, rows: int) -> None:
    """Write the players, over and over, as a snapshot's part has them."""
    players = prepared.players
    schema = pa.schema(
        [pa.field("player_id", pa.int64(), nullable=False)]
        + [pa.field(name, pa.float32(), nullable=False) for name in players.feature_names]
    )
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for start in range(0, rows, ROW_GROUP):
            ids = np.arange(start, min(start + ROW_GROUP, rows))
            features = players.features[ids % len(players.features)]
            writer.write_table(pa.table([ids, *features.T], schema=schema))


def seconds_per_million(model: Model, path: Path) -> float:
    """Score a file and return CPU seconds for a million rows; what is made once for all batches is made before."""
    model.risk(np.zeros((1, len(model.feature_names)), np.float32))
    start, rows = time.process_time(), 0
    for batch in score_parquet(model, path, "player_id"):
        rows += len(batch.ids)
    return 1e6 * (time.process_time() - start) / rows


def main(rows: int) -> None:
    """Measure the release and its families and print the figures."""
    settings = settings_module.load({})
    prepared, _ = prepare(settings)
    release = make_release(prepared, settings)
    # A model needs ScarceGAN, which names the class: a family's own cost is what it adds.
    models = {
        family.name: replace(release, share=0.0, families=(replace(family, share=1.0),)) for family in release.families
    }
    with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as folder:
        path = Path(folder, "players.parquet")
        write_players(path, prepared, rows)
        alone = seconds_per_million(release.scarcegan_alone(), path)
        figures = {
            "scoring.default_s_per_million": seconds_per_million(release, path),
            "scoring.scarcegan_s_per_million": alone,
            **{f"scoring.{name}_s_per_million": seconds_per_million(one, path) - alone for name, one in models.items()},
        }
    told = {"features": len(release.feature_names), "rows": rows}
    print(json.dumps({"figures": {name: round(value, 1) for name, value in figures.items()}, **told}))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=200_000)
    main(arguments.parse_args().rows)
