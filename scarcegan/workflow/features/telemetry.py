"""The jobs of FeaturesFlow: survey the telemetry, compute one shard's features, publish the snapshots."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

import numpy as np

from scarcegan.backends import publish_snapshot
from scarcegan.datasets.simulated import write_telemetry
from scarcegan.features import catalogue, prophet50
from scarcegan.features.extract import FeatureTable, extract
from scarcegan.features.partition import remove_partition, shard_source, write_partition
from scarcegan.features.roles import Roles
from scarcegan.features.source import Shard, Source, Window, read_shard
from scarcegan.features.survey import Survey, survey
from scarcegan.project import located
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.manifest import Frame, Manifest, Part, describe_snapshot
from scarcegan.snapshots.statistics import Statistics
from scarcegan.storage import join


def plan_snapshots(settings: Settings, commit: str) -> dict[str, dict[str, Any]]:
    """Survey the telemetry, sort it by shard, and say what each snapshot will be.

    The sorted rows lie in a hidden folder beside the snapshots until `publish_snapshots` removes them: whatever the
    number of shards and cut-offs, the telemetry is read twice here, and a shard's task reads its own rows.

    Returns:
        cut-off -> plain dict: `frame` (see `Frame`), `counters`, `observed` (bool array [window_days]), `rows` (the
        hidden folder).

    Raises:
        DataProblem: telemetry that cannot be used, or a cut-off outside it.
    """
    source = Source(telemetry_location(settings), tuple(settings.telemetry.counters))
    windows = [Window(cutoff, settings.features.window_days) for cutoff in settings.telemetry.cutoffs]
    surveys = survey(source, windows)
    rows = join(open_snapshots(settings.snapshots.folder).folder, f".telemetry-{uuid4().hex}")
    write_partition(replace(source, counters=surveys[0].counters), windows, settings.telemetry.shards, rows)
    return {
        window.cutoff: {
            "frame": asdict(_frame(found, window, source, settings, commit)),
            "counters": found.counters,
            "observed": found.observed,
            "rows": rows,
        }
        for window, found in zip(windows, surveys, strict=True)
    }


def extract_part(plan: Mapping[str, Any], number: int, settings: Settings) -> dict[str, Any]:
    """Compute the features of one shard of players and write them as a part of the snapshot to come.

    Args:
        plan: one snapshot's, from `plan_snapshots`.
        number: the shard.
        settings: the resolved settings.

    Returns:
        Plain dict: `cutoff`, `part` (see `Part`), `statistics` (see `Statistics`; None without players).

    Raises:
        DataProblem: rows that cannot be used, or are no longer there.
    """
    frame = Frame(**plan["frame"])
    shard = Shard(number, settings.telemetry.shards)
    window = Window(frame.cutoff, frame.window_days)
    source = Source(frame.source, tuple(plan["counters"]))
    own = shard_source(plan["rows"], number, source)
    block = read_shard(own, window, shard, plan["observed"], source.location) if own else None
    if block is None:
        table = FeatureTable(np.empty(0, np.int64), np.empty((0, len(frame.columns)), np.float32), frame.columns)
    elif settings.telemetry.feature_set == "prophet50":
        table = prophet50.extract_prophet50(block)
    else:
        table = extract(block, _roles(settings))
    store = open_snapshots(settings.snapshots.folder)
    name = snapshot_name(frame.cutoff, settings)
    part, statistics = store.write_part(name, number, table.ids, table.features, frame.columns)
    return {"cutoff": frame.cutoff, "part": asdict(part), "statistics": asdict(statistics) if statistics else None}


def publish_snapshots(
    plans: Mapping[str, Mapping[str, Any]], parts: Sequence[Mapping[str, Any]], settings: Settings
) -> list[dict[str, Any]]:
    """Publish each cut-off's snapshot, and hand it to the SageMaker feature group if one is named.

    Args:
        plans: from `plan_snapshots`.
        parts: from `extract_part`, of all shards and cut-offs.
        settings: the resolved settings.

    Returns:
        One plain dict per snapshot: name, cutoff, fingerprint, players, features, parts, notes, folder.

    Raises:
        DataProblem: a snapshot of that name holds something else.
    """
    published = []
    for cutoff, plan in plans.items():
        written = [_written(part) for part in parts if part["cutoff"] == cutoff]
        described = describe_snapshot(snapshot_name(cutoff, settings), Frame(**plan["frame"]), written)
        published.append(_summary(publish_snapshot(described, settings.snapshots), settings))
    for rows in {plan["rows"] for plan in plans.values()}:
        remove_partition(rows)  # not before: a resume of what failed above may compute its shards again
    return published


def snapshot_name(cutoff: str, settings: Settings) -> str:
    """Return the name of the snapshot at a cut-off."""
    return settings.snapshots.prefix + cutoff


def telemetry_location(settings: Settings) -> str:
    """Return where the telemetry is; the simulated players' is written where it is missing."""
    if settings.telemetry.path:
        return located(settings.telemetry.path)
    return str(write_telemetry(settings) / "telemetry.parquet")


def _roles(settings: Settings) -> Roles:
    return Roles(**settings.telemetry.roles.model_dump())


def _frame(found: Survey, window: Window, source: Source, settings: Settings, commit: str) -> Frame:
    roles, days_column = _roles(settings), ""
    if settings.telemetry.feature_set == "prophet50":
        columns = prophet50.names(found.counters)
    else:
        columns = tuple(column.name for column in catalogue.columns(found.counters, roles))
        days_column = f"{found.counters[roles.resolved(found.counters)['activity']]}_active_share"
    return Frame(
        cutoff=window.cutoff,
        window_days=window.window_days,
        columns=columns,
        days_column=days_column,
        missing_days=found.missing_days,
        notes=found.notes,
        source=source.location,
        code_version=commit,
    )


def _written(part: Mapping[str, Any]) -> tuple[Part, Statistics | None]:
    return Part(**part["part"]), Statistics(**part["statistics"]) if part["statistics"] else None


def _summary(manifest: Manifest, settings: Settings) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "cutoff": manifest.frame.cutoff,
        "fingerprint": manifest.fingerprint,
        "players": manifest.players,
        "features": len(manifest.frame.columns),
        "parts": len(manifest.parts),
        "notes": list(manifest.frame.notes),
        "folder": open_snapshots(settings.snapshots.folder).folder,
    }
