"""CPU time of training, one thread, against hand-written NumPy and the published code; prints JSON as its last line.

Run: python benchmarks/training.py [--quick]   (five CPU minutes, or one; single figures go to standard error)

The networks are the published ones: trunk (15, 21, 8), generator (30,), noise 10, without dropout and weight decay;
the objective is `corrected`. A member-iteration is one joint discriminator and one generator update of one member.
Times are medians of CPU time. A member-iteration's time leaves compilation out; end to end runs in a process of its
own and counts everything after the imports. Only folds side by side are timed by the wall: two processes of one thread
at once, over the same two trainings one after another with two threads each.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from numpy_anchor import NumpyMember

from scarcegan.gan.devices import prepare_devices
from scarcegan.gan.networks import Architecture
from scarcegan.gan.program import Program, TrainingRows
from scarcegan.settings import Model, Train

SHAPES = {"8x32": (8, 32, 2), "50x128": (50, 128, 4)}  # features, batch, labelled classes
MODEL = Model(trunk=(15, 21, 8), generator=(30,), noise=10, dropout=0.0, input_dropout=0.0)
ROUND = 50
# Measured beforehand on 2 x86 cores: the published code as written, 8 features, batch 32.
PUBLISHED_MS = 949.0
LABELED, UNLABELED = 1_200, 20_000
MODES = {"plain": False, "xla": True}


def rows_of(shape: str) -> TrainingRows:
    """Return random rows: their values don't change the time."""
    features, _, classes = SHAPES[shape]
    rng = np.random.default_rng(7)
    labeled, unlabeled = (rng.random((count, features), np.float32) for count in (LABELED, UNLABELED))
    return TrainingRows(labeled, np.arange(LABELED) % classes, unlabeled, classes, 0.0, 1.0)


def settings_of(shape: str, members: int, mode: str) -> Train:
    """Return the training settings of one measurement."""
    batch = SHAPES[shape][1]
    return Train(
        members=members, batch=batch, round_iterations=ROUND, iterations=ROUND, weight_decay=0.0, xla=MODES[mode]
    )


def program_of(shape: str, members: int, mode: str) -> Program:
    """Build the training program of one measurement."""
    return Program(rows_of(shape), MODEL, settings_of(shape, members, mode), 7, tuple(range(members)))


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def matmul_mflop(shape: str) -> float:
    """Count the MFLOP of one member-iteration's matrix products, each product needed once.

    The generated rows and the pull-away term's k x k product are counted once; elementwise work is not.
    """
    features, batch, classes = SHAPES[shape]
    sizes = Architecture(MODEL, features, classes, 0.0, 1.0)
    layers = [inputs * outputs for inputs, outputs in pairwise((features, *MODEL.trunk))]
    heads = MODEL.trunk[-1] * (sizes.supervised_outputs + sizes.unsupervised_outputs)
    into, out = MODEL.noise * MODEL.generator[0], MODEL.generator[0] * features
    discriminator = 3 * batch * (3 * (sum(layers) + heads) - layers[0])
    generator = batch * (2 * sum(layers) + sum(layers) + 2 * into + 3 * out + 3 * MODEL.trunk[-1] ** 2)
    return 2 * (discriminator + generator) / 1e6


def sgemm_gflops(size: int = 1024) -> float:
    """Return the machine's rate on a large float32 product: the better of NumPy's and TensorFlow's, one thread."""
    matrix = np.random.default_rng(7).random((size, size), np.float32)
    tensor = tf.constant(matrix)
    products: tuple[Callable[[], object], ...] = (lambda: matrix @ matrix, lambda: tf.matmul(tensor, tensor).numpy())
    best = min(statistics.median(cpu_seconds(product) for _ in range(7)) for product in products)
    return 2 * size**3 / best / 1e9


def measure_members(shape: str, members: int, mode: str, budget_seconds: float, sgemm: float) -> dict[str, float]:
    """Measure one program: repeats fill the budget, at least three and at most fifteen."""
    started = time.process_time()
    program = program_of(shape, members, mode)
    program.run_round(0)
    first = time.process_time() - started
    seconds = [cpu_seconds(lambda: program.run_round(1))]
    while len(seconds) < 3 or (len(seconds) < 15 and sum(seconds) < budget_seconds):
        number = len(seconds) + 1
        seconds.append(cpu_seconds(lambda number=number: program.run_round(number)))
    median = statistics.median(seconds)
    per_iteration = median / ROUND / members
    figures = {
        "ms": round(per_iteration * 1e3, 4),
        "per_cpu_second": round(1 / per_iteration),
        "compile_cpu_s": round(first - median, 2),
        "share_of_sgemm": round(matmul_mflop(shape) / 1e3 / per_iteration / sgemm, 4),
    }
    print(shape, members, mode, figures, file=sys.stderr)
    return figures


def measure_numpy(shape: str, members: int, mode: str, repeats: int) -> dict[str, float]:
    """Time the NumPy member and the program in turn, so that both see the same machine."""
    program = program_of(shape, members, mode)
    weights = {name: value.numpy()[0] for name, value in program.weights.items()}
    anchor = NumpyMember(rows_of(shape), MODEL, settings_of(shape, 1, "plain"), weights)
    rng = np.random.default_rng(7)
    seconds: dict[str, list[float]] = {"numpy": [], "program": []}
    for number in range(repeats + 1):
        seconds["numpy"].append(cpu_seconds(lambda number=number: anchor.run_round(number * ROUND, *anchor.draw(rng))))
        seconds["program"].append(cpu_seconds(lambda number=number: program.run_round(number)))
    numpy_ms = statistics.median(seconds["numpy"][1:]) / ROUND * 1e3
    program_ms = statistics.median(seconds["program"][1:]) / ROUND / members * 1e3
    return {
        "numpy_ms": round(numpy_ms, 4),
        "program_ms": round(program_ms, 4),
        "ratio": round(numpy_ms / program_ms, 2),
    }


def train_once(shape: str, mode: str, iterations: int, members: int, threads: int) -> None:
    """Train in this process and print the CPU seconds since the imports."""
    started = time.process_time()
    prepare_devices(threads)
    program = program_of(shape, members, mode)
    for number in range(iterations // ROUND):
        program.run_round(number)
    print(time.process_time() - started)


def command_of(shape: str, mode: str, iterations: int, members: int = 1, threads: int = 1) -> list[str]:
    """Return the command that runs `train_once` in a process of its own."""
    return [sys.executable, __file__, "--once", shape, mode, *map(str, (iterations, members, threads))]


def side_by_side(iterations: int, repeats: int) -> dict[str, float]:
    """Return the wall seconds of two folds of 8 members at 50x128 on two cores: at once, and one after another."""
    alone = command_of("50x128", "plain", iterations, members=8, threads=1)
    in_turn = command_of("50x128", "plain", iterations, members=8, threads=2)
    seconds: dict[str, list[float]] = {"at_once": [], "in_turn": []}
    for _ in range(repeats):
        started = time.monotonic()
        for process in [subprocess.Popen(alone, stdout=subprocess.DEVNULL) for _ in range(2)]:
            process.wait()
        seconds["at_once"].append(time.monotonic() - started)
        started = time.monotonic()
        for _ in range(2):
            subprocess.run(in_turn, capture_output=True, check=True)
        seconds["in_turn"].append(time.monotonic() - started)
    medians = {name: round(statistics.median(times), 2) for name, times in seconds.items()}
    return medians | {"ratio": round(medians["at_once"] / medians["in_turn"], 2)}


def end_to_end(shape: str, iterations: int, repeats: int, modes: tuple[str, ...]) -> dict[str, float | str]:
    """Return CPU seconds of a whole training by mode, and which mode wins at this length."""
    seconds = {}
    for mode in modes:
        command = command_of(shape, mode, iterations)
        runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(repeats)]
        seconds[mode] = round(statistics.median(float(run.splitlines()[-1]) for run in runs), 3)
    print(shape, iterations, "iterations", seconds, file=sys.stderr)
    best = min(seconds, key=lambda mode: seconds[mode])
    return seconds | {"best": best, "best_cpu_s": seconds[best]}


def measure_shape(shape: str, quick: bool, sgemm: float) -> dict[str, Any]:
    """Measure one shape at every number of members, with XLA where its compilation is affordable."""
    plans = {"plain": (1, 16, 64, 128), "xla": (1, 32)}
    if not quick:
        plans = {"plain": (1, 4, 16, 64, 128, 256), "xla": (1, 4, 16, 32, 64)}
    budget = 0.5 if quick else 3.0
    members = {
        mode: {str(count): measure_members(shape, count, mode, budget, sgemm) for count in counts}
        for mode, counts in plans.items()
    }
    entries = [(entry["ms"], count, mode) for mode, by in members.items() for count, entry in by.items()]
    best_ms, best_members, best_mode = min(entries)
    return {
        "matmul_mflop": round(matmul_mflop(shape), 3),
        **members,
        "p1_ms": min(ms for ms, count, _ in entries if count == "1"),
        "best": {"ms": best_ms, "members": int(best_members), "mode": best_mode},
        "numpy_p1": measure_numpy(shape, 1, "plain", 3 if quick else 9),
        "numpy_best": measure_numpy(shape, int(best_members), best_mode, 3 if quick else 9),
    }


def main(quick: bool) -> None:
    """Measure and print the figures."""
    prepare_devices(threads=1)
    sgemm = sgemm_gflops()
    shapes = {shape: measure_shape(shape, quick, sgemm) for shape in SHAPES}
    lengths = {1_000: (1, ("plain",))} if quick else {1_000: (3, tuple(MODES)), 20_000: (1, tuple(MODES))}
    whole = {
        shape: {str(length): end_to_end(shape, length, *how) for length, how in lengths.items()} for shape in SHAPES
    }
    figures = {
        "training.ms_8x32_p1": shapes["8x32"]["p1_ms"],
        "training.ms_8x32_best": shapes["8x32"]["best"]["ms"],
        "training.ms_50x128_best": shapes["50x128"]["best"]["ms"],
        "training.x_numpy_8x32_best": shapes["8x32"]["numpy_best"]["ratio"],
        "training.x_published_1000": round(PUBLISHED_MS / float(whole["8x32"]["1000"]["best_cpu_s"])),
    }
    folds = side_by_side(500, 1) if quick else side_by_side(2_000, 3)
    figures["training.folds_side_by_side"] = folds["ratio"]
    result = {
        "figures": figures,
        "folds_wall_s": folds,
        "sgemm_gflops": round(sgemm, 1),
        "shapes": shapes,
        "end_to_end_cpu_s": whole,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats and numbers of members, for CI")
    parser.add_argument("--once", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.once:
        train_once(*chosen.once[:2], *map(int, chosen.once[2:]))
    else:
        main(chosen.quick)
