"""CPU time from long-form telemetry to features, one thread; prints one JSON object as its last line.

Run: python benchmarks/features.py [players]

The rivals that are installed (`make bench`) are measured in the same run on fewer of the same players: Prophet with the
published settings, tsfresh minimal, catch22. Scaling: as many processes as there are cores, each with its own shard.
"""

import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec

import numpy as np
import pandas as pd
from feature_rivals import RIVALS, cpu_of_all_processes
from threadpoolctl import threadpool_limits

from scarcegan.features.extract import extract
from scarcegan.features.prophet50 import extract_prophet50
from scarcegan.features.telemetry import Telemetry, to_block
from scarcegan.machine import cores
from scarcegan.settings.data_sections import RoleNames

DAYS = 90
CUTOFF = "2023-04-01"
COUNTERS = ("sessions", "bets", "losses", "deposits", "night")
ROLES = RoleNames(activity="sessions", intensity="bets", loss="losses", deposit="deposits", night="night")
REPEATS = 5
# CPU seconds per 1,000 players at 90 days x 5 counters, measured beforehand: for where a rival is not installed.
ANCHORS = {"prophet": 2115.0, "tsfresh_minimal": 3.2, "catch22": 1.4}


def long_form(players: int, active_share: float, seed: int = 7) -> pd.DataFrame:
    """One shuffled row per active player-day; every day of every player at active_share 1."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(end=pd.Timestamp(CUTOFF) - pd.Timedelta(days=1), periods=DAYS).to_numpy()
    frame = pd.DataFrame({"player_id": np.repeat(np.arange(players), DAYS), "date": np.tile(days, players)})
    rate = np.repeat(rng.gamma(1, 3, players), DAYS)
    for name in COUNTERS:
        frame[name] = rng.poisson(rate)
    return frame[rng.random(len(frame)) < active_share].sample(frac=1, random_state=seed)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the median CPU seconds of a few runs, after one to warm up."""
    work()
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def temporary_mb(block: Telemetry) -> float:
    """Return the peak memory of `extract` beyond its result."""
    tracemalloc.start()
    table = extract(block, ROLES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - table.features.nbytes) / 2**20


def rival_seconds(frame: pd.DataFrame) -> dict[str, float]:
    """Return the CPU seconds per 1,000 players of each installed rival, after one player to warm up."""
    found = {}
    for name, (package, players, work) in RIVALS.items():
        if not find_spec(package):
            continue
        work(frame[frame["player_id"] == players], COUNTERS)
        chosen = frame[frame["player_id"] < players]
        start = cpu_of_all_processes()
        work(chosen, COUNTERS)
        found[name] = (cpu_of_all_processes() - start) * 1000 / players
        print(f"{name}: {found[name]:.3f} CPU s per 1,000 players", file=sys.stderr)
    return found


def speedup(players: int) -> float:
    """Return how many times more players per second all cores get through than one, in processes of their own."""
    seconds = {}
    for workers in (1, cores()):
        with ProcessPoolExecutor(workers) as pool:
            list(pool.map(_work_on_shard, range(workers), [players // 10] * workers))
            start = time.perf_counter()
            list(pool.map(_work_on_shard, range(workers), [players] * workers))
            seconds[workers] = (time.perf_counter() - start) / workers
    return seconds[1] / seconds[cores()]


def _work_on_shard(number: int, players: int) -> None:
    with threadpool_limits(1):
        frame = long_form(players, active_share=1, seed=number)
        extract(to_block(frame, CUTOFF, DAYS), ROLES)


def main(players: int) -> None:
    """Measure and print the figures."""
    per_1000 = 1000 / players
    full = long_form(players, active_share=1)
    block = to_block(full, CUTOFF, DAYS)
    sparse = long_form(players, active_share=0.3)
    total = cpu_seconds(lambda: extract(to_block(full, CUTOFF, DAYS), ROLES)) * per_1000
    quarter = to_block(long_form(players // 4, active_share=1), CUTOFF, DAYS)
    figures = {
        "features.cpu_s_per_1000": total,
        "features.cpu_s_per_1000_grid_only": cpu_seconds(lambda: to_block(full, CUTOFF, DAYS)) * per_1000,
        "features.cpu_s_per_1000_sparse": cpu_seconds(lambda: extract(to_block(sparse, CUTOFF, DAYS), ROLES))
        * per_1000,
        "features.cpu_s_per_1000_prophet50": cpu_seconds(lambda: extract_prophet50(to_block(full, CUTOFF, DAYS)))
        * per_1000,
        "features.temporary_mb": temporary_mb(block),
        "features.temporary_mb_quarter_of_players": temporary_mb(quarter),
    }
    rivals = rival_seconds(full)
    figures |= {f"features.{name}_cpu_s_per_1000": seconds for name, seconds in rivals.items()}
    figures |= {f"features.x_{name}": seconds / total for name, seconds in rivals.items()}
    figures[f"features.speedup_{cores()}_cores"] = speedup(players)
    result = {
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "players": players,
        "features": len(extract(block, ROLES).names),
        "not_installed": sorted(RIVALS.keys() - rivals.keys()),
        "anchors_cpu_s_per_1000": ANCHORS,
        "times_faster_than_anchors": {name: round(seconds / total) for name, seconds in ANCHORS.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    with threadpool_limits(1):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
