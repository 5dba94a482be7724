"""The work of FeaturesFlow's steps: survey the telemetry, compute one shard's features, publish the snapshots."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

import numpy as np

from scarcegan.backends import publish_snapshot
from scarcegan.data.columns import Column
from scarcegan.datasets.simulated import write_telemetry
from scarcegan.features import catalogue, prophet50
from scarcegan.features.extract import FeatureTable, extract
from scarcegan.features.partition import read_shard, remove_partition, write_partition
from scarcegan.features.source import Source, Window
from scarcegan.features.survey import Survey, survey
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.settings import Settings, Snapshots, Telemetry
from scarcegan.settings.data_sections import SORTED_TELEMETRY
from scarcegan.snapshots import Manifest, open_snapshots
from scarcegan.snapshots.manifest import Frame, Part, describe_snapshot
from scarcegan.storage import join


class SnapshotPlan(Record):
    """What the snapshot at one cut-off will be; `rows` is the hidden folder of the rows sorted by shard.

    `observed` is bool [window_days]: False on a day that is missing for everyone.
    """

    frame: Frame
    observed: np.ndarray
    rows: str


class WrittenPart(Record):
    """One shard's part of the snapshot at a cut-off, and its columns; none without players."""

    cutoff: str
    part: Part
    columns: Sequence[Column]


def plan_snapshots(settings: Settings, commit: str) -> dict[str, SnapshotPlan]:
    """Survey the telemetry, sort it by shard, and plan the snapshot at each cut-off.

    The sorted rows lie in a hidden folder beside the snapshots until `publish_snapshots` removes them: whatever the
    number of shards and cut-offs, the telemetry is read twice here, and a shard's task reads its own rows.
    """
    path = settings.telemetry.path
    # Simulated players' telemetry is written where it is missing.
    location = located(path) if path else str(write_telemetry(settings) / "telemetry.parquet")
    source = Source(location, tuple(settings.telemetry.counters), settings.data.id_key)
    windows = [Window(cutoff, settings.features.window_days) for cutoff in settings.telemetry.cutoffs]
    surveys = survey(source, windows)
    # A name of its own: runs at the same time must not mix their rows.
    rows = join(open_snapshots(settings.own_snapshots.folder).folder, f"{SORTED_TELEMETRY}{uuid4().hex}")
    # The settings may leave the counters out: the survey has found their names.
    try:
        write_partition(replace(source, counters=surveys[0].counters), windows, settings.telemetry.shards, rows)
    except BaseException:  # Ctrl-C too: no resume goes on with half of it
        remove_partition(rows)
        raise
    return {
        window.cutoff: SnapshotPlan(_frame(found, window, source, settings.telemetry, commit), found.observed, rows)
        for window, found in zip(windows, surveys, strict=True)
    }


def extract_part(plan: SnapshotPlan, number: int, telemetry: Telemetry, snapshots: Snapshots) -> WrittenPart:
    """Compute the features of one shard of players and write them as a part of the snapshot to come."""
    frame = plan.frame
    window = Window(frame.cutoff, frame.window_days)
    block = read_shard(plan.rows, number, window, plan.observed, frame.source)
    # A shard that no player falls into writes a part as well: there is one for each shard.
    if block is None:
        table = FeatureTable(np.empty(0, np.int64), np.empty((0, len(frame.columns)), np.float32), frame.columns)
    elif telemetry.feature_set == "prophet50":
        table = prophet50.extract_prophet50(block)
    else:
        table = extract(block, telemetry.roles)
    store, name = open_snapshots(snapshots.folder), snapshots.prefix + frame.cutoff
    return WrittenPart(frame.cutoff, *store.write_part(name, number, table.ids, table.features, frame.columns))


def publish_snapshots(
    plans: Mapping[str, SnapshotPlan], parts: Sequence[WrittenPart], snapshots: Snapshots
) -> list[Manifest]:
    """Publish each cut-off's snapshot from the parts of all shards, to the SageMaker feature group too if one is named.

    A snapshot of that name that holds something else is a DataProblem.
    """
    published = []
    for cutoff, plan in plans.items():
        written = [(one.part, one.columns) for one in parts if one.cutoff == cutoff]
        described = describe_snapshot(snapshots.prefix + cutoff, plan.frame, written)
        published.append(publish_snapshot(described, snapshots))
    for rows in {plan.rows for plan in plans.values()}:
        remove_partition(rows)  # not before: a resume of what failed above may compute its shards again
    return published


def _frame(found: Survey, window: Window, source: Source, chosen: Telemetry, commit: str) -> Frame:
    if chosen.feature_set == "prophet50":
        columns, days_column = prophet50.names(found.counters), ""
    else:
        columns = tuple(catalogue.columns(found.counters, chosen.roles))
        activity = catalogue.role_places(chosen.roles, found.counters)["activity"]
        days_column = f"{found.counters[activity]}_active_share"
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
