"""Scoring's step `score`: one part of a snapshot in, one parquet file of scores and reasons out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan import words
from scarcegan.problems import DataProblem
from scarcegan.serving.distribution import BINS, count_scores
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import Background, reasons_in_words
from scarcegan.serving.stream import ScoredBatch, score_parquet
from scarcegan.settings import Snapshots
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.store import ID
from scarcegan.storage import join, new_file, sha256_of
from scarcegan.workflow.scoring.plan import background_of
from scarcegan.workflow.scoring.records import ScoringPlan, Tally


def score_shard(
    plan: ScoringPlan, model: Model, number: int, snapshots: Snapshots, say: words.Say = words.unsaid
) -> Tally:
    """Score one part, by its number in the manifest, into a parquet file, which appears whole; again gives the same.

    A row has the player's id, `risk_score`, most probable `class`, `is_flagged`, `reasons` (up to three markers of
    harm, in words, of a flagged player; see `scarcegan.serving.reasons`), `model_version` and `run`. A part
    that is missing or changed, another snapshot than the planned one, or a value that is no number is a DataProblem.
    """
    store = open_snapshots(snapshots.folder)
    manifest = store.describe(plan.snapshot.name)
    if (manifest.origin, len(manifest.parts)) != (plan.snapshot.fingerprint, plan.snapshot.parts):
        raise DataProblem(
            f"expected snapshot '{manifest.name}' with fingerprint {plan.snapshot.fingerprint} in "
            f"{plan.snapshot.parts} parts, got {manifest.origin} in {len(manifest.parts)}: it was replaced since this "
            "run began; start a new run"
        )
    part, file = manifest.parts[number], f"part-{number:05d}.parquet"
    with store.part_file(manifest, part) as path, new_file(join(plan.folder, file)) as draft:
        batches = _told(score_parquet(model, path, ID), part.players, say)
        background = background_of(model, manifest, plan.markers)
        with pq.ParquetWriter(draft, _schema(part.id_type), compression="zstd") as writer:
            tally = _write_scores(writer, batches, model, background, plan)
        sha256 = sha256_of(draft)
    return replace(tally, file=file, sha256=sha256)


def _told(batches: Iterable[ScoredBatch], players: int, say: words.Say) -> Iterator[ScoredBatch]:
    """Yield batches, and say before each how many of the players are scored."""
    scored = 0
    for batch in batches:
        say(f"Scored {words.count(scored)} of {words.count(players)} players")
        yield batch
        scored += len(batch.ids)


def _write_scores(
    writer: pq.ParquetWriter, batches: Iterable[ScoredBatch], model: Model, background: Background, plan: ScoringPlan
) -> Tally:
    """Write scored batches one after the other, and return the tally of a file that has no name and no digest yet."""
    players, flagged = 0, 0
    classes, counts = np.zeros(len(model.class_names), dtype=np.int64), np.zeros(BINS, dtype=np.int64)
    for batch in batches:
        scores, likeliest = batch.probabilities[model.rare_index], batch.probabilities.argmax(axis=0)
        is_flagged = model.flags(scores)
        columns = {
            ID: batch.ids,
            "risk_score": scores,
            "class": pa.array(model.class_names).take(pa.array(likeliest)),
            "is_flagged": is_flagged,
            "reasons": _reasons(model, batch, is_flagged, background),
            "model_version": pa.repeat(plan.model.version, len(scores)).cast(pa.int32()),
            "run": pa.repeat(plan.run, len(scores)),
        }
        writer.write_table(pa.table(columns, schema=writer.schema))
        players, flagged = players + len(scores), flagged + int(is_flagged.sum())
        classes += np.bincount(likeliest, minlength=len(classes))
        counts += count_scores(scores)
    return Tally("", players, flagged, classes, counts, "")


def _reasons(model: Model, batch: ScoredBatch, is_flagged: np.ndarray, background: Background) -> pa.ListArray:
    """Return the reasons of the flagged players in words; an empty list for all others."""
    # Explaining costs more than scoring: only flagged players get reasons.
    rows = np.ascontiguousarray(batch.columns[:, is_flagged].T)
    found = reasons_in_words(background, rows, model.explain(rows, background.typical))
    # Arrow's offsets are one more than the rows and begin with 0.
    lengths = np.zeros(len(is_flagged) + 1, dtype=np.int32)
    lengths[1:][is_flagged] = [len(one) for one in found]
    told = [reason for one in found for reason in one]
    return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), pa.array(told, pa.string()))


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
