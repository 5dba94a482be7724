"""The whole loop at .1, 1 and 3 million players: features, retraining, scores with reasons, drift; and a plain script.

Run: python benchmarks/loop.py [--players 100_000 1_000_000 3_000_000] [--store FOLDER]   (after `make bench`)

The simulation writes 90 days of five counters; that does not count. Each stage is then a process of its own, on one
thread, and calls what the flows' steps call, with the default settings: FeaturesFlow's jobs at two cut-offs a week
apart, RetrainFlow's on the earlier snapshot (five folds, selection, rivals, evaluation, registration), ScoreFlow's on
the later one, with reasons for flagged players, and the watch of drift between both. What Metaflow adds, and cards, do
not count. There are as many shards as keep one at 100,000 players; labels are as many as by default, whatever the
number of players; at most 50,000 of the simulation's test players are tested, others are unlabelled.

The rival, `benchmarks/loop_plain.py`, is what a data scientist would write in an afternoon; its process reads the same
telemetry and the same labels in the same run. PR-AUC of both is on the test players at the later cut-off, with their
truth. CPU seconds and peak memory are of whole processes, imports included. `loop.cpu_s_per_million` is taken at the
largest size up to a million; an exponent is the largest between neighbouring sizes.

With `--store` the stages that are done stay done. Prints one JSON object as its last line.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import itertools
import json
import math
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# The parent imports nothing large: a child's peak memory begins with its parent's.
LOOP = ("features", "retraining", "scoring", "drift")
STAGES = ("make", *LOOP, "plain", "quality")
SEED = 1_007  # the plain script's choices were made on seed 7
MILLION = 1e6


def measure(folder: Path, players: int, seed: int) -> dict[str, Any]:
    """Run every stage of a size in a process of its own, those that the folder has no result of."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in STAGES:
        told = folder / f"{name}.json"
        if not told.exists():
            command = [sys.executable, __file__, "--stage", name, "--store", str(folder), "--seed", str(seed)]
            output = subprocess.run(
                [*command, "--players", str(players)], stdout=subprocess.PIPE, check=True, text=True
            )
            told.write_text(output.stdout.splitlines()[-1])
        found[name] = json.loads(told.read_text())
        print(f"{players:,} players, {name}: {found[name]}", file=sys.stderr)
    return found


def run_stage(name: str, folder: Path, players: int, seed: int) -> None:
    """Run one stage in this process and print what it used and told."""
    import loop_stages
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        stage = getattr(loop_stages, name)
        told = stage(loop_stages.loop_settings(folder, players, seed), folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024, "told": told}))


def figures(measured: Mapping[int, Mapping[str, Any]]) -> dict[str, float]:
    """Name the headline figures of all sizes, ascending."""
    cpu = {players: sum(found[stage]["cpu_s"] for stage in LOOP) for players, found in measured.items()}
    peak = {players: max(found[stage]["peak_mb"] for stage in LOOP) for players, found in measured.items()}
    reference = max([players for players in measured if players <= MILLION], default=min(measured))
    named = {"loop.cpu_s_per_million": MILLION * cpu[reference] / reference}
    for players, found in measured.items():
        size, rival, told = f"{players / MILLION:g}m", found["plain"], found["quality"]["told"]
        named |= {f"loop.cpu_s_{size}": cpu[players], f"loop.peak_mb_{size}": peak[players]}
        named |= {f"loop.plain_cpu_s_{size}": rival["cpu_s"], f"loop.plain_peak_mb_{size}": rival["peak_mb"]}
        named |= {f"loop.x_plain_{size}": cpu[players] / rival["cpu_s"]}
        named |= {f"loop.pr_auc_{size}": told["pr_auc_ours"], f"loop.plain_pr_auc_{size}": told["pr_auc_plain"]}
    if len(measured) > 1:
        named |= {"loop.cpu_exponent": exponent(cpu), "loop.peak_exponent": exponent(peak)}
        for name in (*LOOP, "plain"):
            for key in ("cpu_s", "peak_mb"):
                sizes = {players: found[name][key] for players, found in measured.items()}
                named[f"loop.{name}_{key.split('_')[0]}_exponent"] = exponent(sizes)
    return named


def exponent(by_size: Mapping[int, float]) -> float:
    """Return the largest exponent of growth between neighbouring sizes, which are ascending."""
    return max(
        math.log(after / before) / math.log(larger / smaller)
        for (smaller, before), (larger, after) in itertools.pairwise(by_size.items())
    )


def main(sizes: Sequence[int], store: Path, seed: int) -> None:
    """Measure all sizes and print the figures."""
    measured = {players: measure(store / str(players), players, seed) for players in sorted(sizes)}
    told = {str(players): found for players, found in measured.items()}
    named = {name: round(value, 4) for name, value in figures(measured).items()}
    print(json.dumps({"figures": named, "seed": seed, "load": os.getloadavg()[0], "measured": told}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--players", type=int, nargs="+", default=[100_000, 1_000_000, 3_000_000])
    parser.add_argument("--store", type=Path, help="folder that keeps telemetry and results (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--stage", choices=STAGES, help="one stage of one size in this process, for the parent alone")
    options = parser.parse_args()
    if options.stage:
        run_stage(options.stage, options.store, options.players[0], options.seed)
    elif options.store:
        main(options.players, options.store, options.seed)
    else:
        with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as temporary:
            main(options.players, Path(temporary), options.seed)
