"""Series of snapshots to replay: the real telemetry at its three cut-offs, and simulated months with planted seasons.

A series is a folder with published snapshots, one labels table per period, and one of all periods. Labels describe a
player from the cut-off on and are known one period later, as with the real telemetry's proxy labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan.datasets.lootbox import PROXY_DAYS, cohorts_of, labels_table
from scarcegan.datasets.simulated import write_telemetry
from scarcegan.settings import Data, Settings, load, parse
from scarcegan.workflow.features.telemetry import extract_part, plan_snapshots, publish_snapshots

ROOT = Path(__file__).resolve().parents[1]
FIRST = date(2026, 1, 1)
# A planted season is the simulation's own drift, a new currency in which these counters count, and a clock set to
# another time zone: what was play at night is then play by day, up to the minutes of a session.
REDENOMINATED = {"bets": 5, "losses": 5, "deposits": 5}
SESSION_MINUTES = 30
COMMIT = "replay"


@dataclass(frozen=True)
class Period:
    """One cut-off: its snapshot, its labels and who is tested.

    Attributes:
        cutoff: ISO date.
        snapshot: name in the store.
        labels: file of this period's labels.
        known_by: ISO date on which they are known.
        test_ids, truth: the test players and whether they are risky, for evaluation alone.
        season: level of the planted drift; None where drift is real.
    """

    cutoff: str
    snapshot: str
    labels: Path
    known_by: str
    test_ids: np.ndarray
    truth: np.ndarray
    season: float | None = None


@dataclass(frozen=True)
class Series:
    """Periods in order, their settings (the store's folder included), and the file of all labels."""

    name: str
    periods: tuple[Period, ...]
    settings: Settings
    all_labels: Path


def real_series(folder: Path, data: Path, tree: dict[str, Any]) -> Series:
    """Publish the lootbox telemetry at its three cut-offs.

    Args:
        folder: takes snapshots and labels.
        data: the folder of the telemetry and its cohorts.
        tree: laid over config/lootbox_snapshot.toml, section by section.
    """
    config = parse((ROOT / "config" / "lootbox_snapshot.toml").read_text())
    own = {"telemetry": {"path": str(data / "daily_counters.parquet")}, "snapshots": {"folder": str(folder / "store")}}
    settings = load(_overlaid(_overlaid(config, own), tree))
    _publish(settings)
    source = Data(source="lootbox", path=str(data))
    tables = {cutoff: labels_table(cohorts_of(source, cutoff), cutoff) for cutoff in settings.telemetry.cutoffs}
    return _series("lootbox", tables, dict.fromkeys(tables), settings, folder)


def simulated_series(folder: Path, seasons: Sequence[float], tree: dict[str, Any]) -> Series:
    """Simulate one month of other players for each season (see `simulated.drift`), and publish the snapshots."""
    settings = load(_overlaid({"snapshots": {"folder": str(folder / "store")}}, tree))
    tables, levels = {}, {}
    for number, season in enumerate(seasons):
        cutoff = (FIRST + timedelta(days=PROXY_DAYS * number)).isoformat()
        home, levels[cutoff] = folder / f"month-{number}", season
        own = {"data": {"path": str(home)}, "simulated": {"drift": season}, "seed": settings.seed + number}
        source = write_telemetry(load(_overlaid(settings.model_dump(mode="json"), own)))
        telemetry = _moved(source / "telemetry.parquet", number, season)
        at = {"telemetry": {"path": str(telemetry), "cutoffs": [cutoff]}}
        _publish(load(_overlaid(settings.model_dump(mode="json"), at)))
        tables[cutoff] = _simulated_labels(source, number, cutoff)
    return _series("simulated", tables, levels, settings, folder)


def _series(
    name: str, tables: dict[str, pd.DataFrame], seasons: dict[str, Any], settings: Settings, folder: Path
) -> Series:
    periods = []
    for cutoff, table in tables.items():
        labels = folder / f"labels-{cutoff}.parquet"
        table.to_parquet(labels, index=False)
        tested = table[table["population"] == "test"]
        periods.append(
            Period(
                cutoff=cutoff,
                snapshot=settings.own_snapshots.prefix + cutoff,
                labels=labels,
                known_by=(date.fromisoformat(cutoff) + timedelta(days=PROXY_DAYS)).isoformat(),
                test_ids=tested["player_id"].to_numpy(),
                truth=tested["truth_risky"].to_numpy() == 1,
                season=seasons[cutoff],
            )
        )
    everything = folder / "labels.parquet"
    pd.concat(tables.values(), ignore_index=True).to_parquet(everything, index=False)
    return Series(name, tuple(periods), settings, everything)


def _publish(settings: Settings) -> None:
    plans = plan_snapshots(settings, COMMIT)
    parts = [
        extract_part(plan, shard, settings.telemetry, settings.own_snapshots)
        for plan in plans.values()
        for shard in range(settings.telemetry.shards)
    ]
    publish_snapshots(plans, parts, settings.own_snapshots)


def _moved(path: Path, number: int, season: float) -> Path:
    """Move a simulated month's dates to its place, give its players ids of their own, and plant the season."""
    table = pq.read_table(path)
    days = table["date"].cast(pa.int32()).to_numpy() + PROXY_DAYS * number
    table = table.set_column(table.column_names.index("date"), "date", pa.array(days, pa.int32()).cast(pa.date32()))
    columns = {name: table[name].to_numpy() * factor**season for name, factor in REDENOMINATED.items()}
    night = table["night_minutes"].to_numpy()
    by_day = np.maximum(0, SESSION_MINUTES * table["sessions"].to_numpy() - night)
    columns["night_minutes"] = (1 - season) * night + season * by_day
    for name, values in columns.items():
        whole = pa.array(np.rint(values).astype(np.int32))
        table = table.set_column(table.column_names.index(name), name, whole)
    ids = table["player_id"].to_numpy() + _first_id(number)
    moved = path.with_name("moved.parquet")
    pq.write_table(table.set_column(table.column_names.index("player_id"), "player_id", pa.array(ids)), moved)
    return moved


def _simulated_labels(source: Path, number: int, cutoff: str) -> pd.DataFrame:
    labels, truth = (pd.read_parquet(source / f"{name}.parquet") for name in ("labels", "truth"))
    table = labels.merge(truth[["player_id", "truth_risky"]], on="player_id")
    return labels_table(table.assign(player_id=table["player_id"] + _first_id(number)), cutoff)


def _first_id(number: int) -> int:
    return 1_000_000 * number


def _overlaid(tree: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Lay a tree of settings over another, section by section."""
    return tree | {
        key: _overlaid(tree.get(key, {}), value) if isinstance(value, dict) else value for key, value in own.items()
    }
