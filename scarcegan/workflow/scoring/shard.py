"""Scoring's main job: one part of a snapshot in, one parquet file of scores and reasons out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan.problems import DataProblem
from scarcegan.serving.distribution import BINS, count_scores
from scarcegan.serving.explain import integrated_gradients, reasons
from scarcegan.serving.forward import Scorer
from scarcegan.serving.stream import ScoredBatch, score_parquet
from scarcegan.settings import Settings
from scarcegan.snapshots import Manifest, open_snapshots
from scarcegan.snapshots.statistics import LEVELS
from scarcegan.snapshots.store import ID
from scarcegan.storage import join, new_file


def score_shard(plan: Mapping[str, Any], model: Mapping[str, Any], number: int, settings: Settings) -> dict[str, Any]:
    """Score one part of the snapshot into one parquet file, which appears whole; again replaces it by the same.

    A row has the player's id, `risk_score`, most probable `class`, `is_flagged`, `reasons` (up to three, in words, of
    a flagged player; see `scarcegan.serving.explain`), `model_version` and `run`.

    Args:
        plan: from `plan_scoring`.
        model: from `plan_scoring`.
        number: the part's place in the snapshot's manifest.
        settings: the resolved settings.

    Returns:
        Plain dict: `file`, `players`, `flagged`, `classes` (players by most probable class, in the model's order),
        `counts` of scores by bin (see `scarcegan.serving.distribution`).

    Raises:
        DataProblem: the part is missing or was changed, the snapshot is not the planned one, or a value is no number.
    """
    store = open_snapshots(settings.snapshots.folder)
    manifest = store.describe(plan["snapshot"]["name"])
    if manifest.fingerprint != plan["snapshot"]["fingerprint"]:
        raise DataProblem(
            f"expected snapshot '{manifest.name}' with fingerprint {plan['snapshot']['fingerprint']}, got "
            f"{manifest.fingerprint}: it was replaced since this run began; start a new run"
        )
    part, file = manifest.parts[number], f"part-{number:05d}.parquet"
    with store.part_file(manifest, part) as path, new_file(join(plan["folder"], file)) as draft:
        batches = score_parquet(Scorer(model), path, ID, model["feature_names"])
        typical = typical_player(manifest, model["feature_names"])
        tally = write_scores(draft, batches, model, typical, plan, _schema(part.id_type))
    return {"file": file, **tally}


def typical_player(manifest: Manifest, features: Sequence[str]) -> np.ndarray:
    """Return the median of each feature over the snapshot's players, float32 [F]."""
    median = int(np.searchsorted(LEVELS, 0.5))
    return np.array([manifest.statistics[name]["quantiles"][median] for name in features], dtype=np.float32)


def write_scores(
    path: Path,
    batches: Iterable[ScoredBatch],
    model: Mapping[str, Any],
    typical: np.ndarray,
    plan: Mapping[str, Any],
    schema: pa.Schema,
) -> dict[str, Any]:
    """Write scored batches to a parquet file, one after the other, and return their tally (see `score_shard`)."""
    players, flagged = 0, 0
    classes, counts = np.zeros(len(model["class_names"]), dtype=np.int64), np.zeros(BINS, dtype=np.int64)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            scores, likeliest = batch.probabilities[model["rare_index"]], batch.probabilities.argmax(axis=0)
            is_flagged = scores >= np.float32(model["threshold"])
            columns = {
                ID: batch.ids,
                "risk_score": scores,
                "class": pa.array(model["class_names"]).take(pa.array(likeliest)),
                "is_flagged": is_flagged,
                "reasons": _reasons(model, batch, is_flagged, typical),
                "model_version": pa.repeat(plan["model"]["version"], len(scores)).cast(pa.int32()),
                "run": pa.repeat(plan["run"], len(scores)),
            }
            writer.write_table(pa.table(columns, schema=schema))
            players, flagged = players + len(scores), flagged + int(is_flagged.sum())
            classes += np.bincount(likeliest, minlength=len(classes))
            counts += count_scores(scores)
    return {"players": players, "flagged": flagged, "classes": classes, "counts": counts}


def _reasons(model: Mapping[str, Any], batch: ScoredBatch, is_flagged: np.ndarray, typical: np.ndarray) -> pa.ListArray:
    """Return the reasons of the flagged players in words; an empty list for all others."""
    rows = np.ascontiguousarray(batch.columns[:, is_flagged].T)
    found = reasons(model, rows, integrated_gradients(model, rows, typical), typical)
    lengths = np.zeros(len(is_flagged) + 1, dtype=np.int32)
    lengths[1:][is_flagged] = [len(one) for one in found]
    words = [reason["words"] for one in found for reason in one]
    return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), pa.array(words, pa.string()))


def _schema(id_type: str) -> pa.Schema:
    kinds = {
        ID: pa.int64() if id_type == "int64" else pa.string(),
        "risk_score": pa.float32(),
        "class": pa.string(),
        "is_flagged": pa.bool_(),
        "reasons": pa.list_(pa.string()),
        "model_version": pa.int32(),
        "run": pa.string(),
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in kinds.items()])
