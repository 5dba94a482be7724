"""CPU seconds to score a million players with the default release, and with each of its families alone.

Run: python benchmarks/release_scoring.py [--rows 200_000]

The default configuration's retraining (five folds, four CPU minutes) gives the release; its model of `review_budget` is
the one that is measured, with the families that validation players chose. The players are the simulated ones it was
trained on, of 208 features, repeated to so many rows of uncompressed parquet. `dearest` is a model in which every
family has an equal share. Reading, scaling and scoring count, on one thread; reasons do not.
Prints one JSON object as its last line.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan import settings as settings_module
from scarcegan.serving.model import Model
from scarcegan.serving.stream import score_parquet
from scarcegan.settings import Settings
from scarcegan.settings.model_sections import headline_of
from scarcegan.workflow.retraining.families import families_of
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.prepare import Prepared, prepare
from scarcegan.workflow.retraining.select import select_models

ROW_GROUP = 100_000


def trained(settings: Settings) -> tuple[Prepared, Model, Model]:
    """Retrain and return the players, the headline model, and the same with an equal share of every family."""
    prepared, _ = prepare(settings)
    offers = [fit_fold(prepared, number, settings, threads=1) for number in range(settings.folds.k)]
    model = select_models(prepared, offers, settings)[0][headline_of(settings.definitions)]
    share = 1 / (1 + len(settings.families))
    families = families_of(dict.fromkeys(settings.families, share), offers)
    return prepared, model, replace(model, share=1 - share * len(families), families=families)


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


def main(settings: Settings, rows: int) -> None:
    """Measure the release and its families and print the figures."""
    prepared, model, dearest = trained(settings)
    # A model needs ScarceGAN, which names the class: a family's own cost is what it adds.
    alone = {one.name: replace(dearest, share=0.0, families=(replace(one, share=1.0),)) for one in dearest.families}
    with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as folder:
        path = Path(folder, "players.parquet")
        write_players(path, prepared, rows)
        scarcegan = seconds_per_million(model.scarcegan_alone(), path)
        own = {name: seconds_per_million(one, path) - scarcegan for name, one in alone.items()}
        figures = {
            "scoring.default_s_per_million": seconds_per_million(model, path),
            "scoring.dearest_s_per_million": seconds_per_million(dearest, path),
            "scoring.scarcegan_s_per_million": scarcegan,
            **{f"scoring.{name}_s_per_million": seconds for name, seconds in own.items()},
        }
    shares = {"scarcegan": model.share, **{family.name: family.share for family in model.families}}
    told = {"features": len(model.feature_names), "rows": rows, "shares": shares}
    print(json.dumps({"figures": {name: round(value, 1) for name, value in figures.items()}, **told}))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=200_000)
    main(settings_module.load({}), arguments.parse_args().rows)
