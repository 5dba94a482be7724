"""Runs as Metaflow leaves them behind, written without running anything."""

import warnings
from contextlib import contextmanager, suppress
from dataclasses import fields, replace

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "The _yaml extension module", DeprecationWarning)
    import metaflow

from recorded_runs import Recorder

from scarcegan.costs.records import Bill
from scarcegan.data.records import DataReport, FeatureDescription, Histogram
from scarcegan.evaluation import figures, records
from scarcegan.gan.progress import Progress
from scarcegan.history.comparison import SERIES
from scarcegan.registry.release import Lineage, Release, ReleasedVersion
from scarcegan.settings import four_definitions, load


class TooLarge:
    """An artifact that nobody may load to list, show or compare runs."""

    def __reduce__(self):
        return (_refuse, ())


def _refuse():
    raise AssertionError("a large artifact was loaded")


def settings(**changes):
    return load({"data": {"prevalence": 0.01}, **changes}).model_dump(mode="json")


def report(shift=0.0, fingerprint="9f2c41d07be3a865"):
    """A data report of six features, the first two of them moved by `shift`."""
    shares = np.diff(1 / (1 + np.exp(-np.linspace(-3, 3, 21)))).tolist()
    features = [
        FeatureDescription(
            name=f"stake_{number}", mean=moved, std=1.0, low=moved - 3, high=moved + 3, zero_share=0.1, auc=0.6,
            quantiles=(np.linspace(-3, 3, 51) + moved).tolist(), p99=moved + 3,
            histogram=Histogram((np.linspace(-3, 3, 21) + moved).tolist(), shares, shares),
        )
        for number, moved in enumerate((shift, shift, 0.0, 0.0, 0.0, 0.0))
    ]  # fmt: skip
    return DataReport("simulated", "2024-06-30", fingerprint, 900, 6, [], [], 90, [], features, [])


def evaluation(gain=0.0, definitions=()):
    """Every figure is 0.4 [0.3, 0.5], but the review budget's recall on test players is higher by `gain`."""
    measured = figures.Interval(0.4, 0.3, 0.5, 0.05)
    names = [field.name for field in fields(figures.Measures) if field.type is figures.Interval]
    curve, bins = figures.Curve(*[[0.01]] * 7), figures.Calibration(*[[0.5]] * 4, [90])
    test = figures.Measures(90, 9, 0.01, **dict.fromkeys(names, measured), curve=curve, calibration=bins)
    better = replace(test, recall=figures.Interval(0.4 + gain, 0.3 + gain, 0.5 + gain, 0.05))
    folds = dict.fromkeys(figures.AT_THRESHOLD, figures.Spread(0.4, 0.06, [0.34, 0.46]))
    models = {}
    for one in definitions or four_definitions():
        tests = {"test": better if one.name == "review_budget" else test}
        models[one.name] = records.EvaluatedModel(one, "words", 0.5, 3, folds, tests)
    verdicts = {name: records.Verdict(f"`{name}` finds 40 %", None, records.Comparison("no rival")) for name in models}
    return records.Evaluation(["test"], 0.01, records.Prevalence(0.01, "configured"), models, {}, {}, verdicts)


def progress():
    """Two healthy members of three, over two rounds."""
    rounds = {name: [[0.1, 0.3, np.nan], [0.2, 0.4, np.nan]] for name in SERIES}
    return Progress(3, 100, [50, 100], [1.0, 2.0], [["", "", ""]] * 2, rounds, [True, True, False], [])


def release(run):
    pending = "PendingManualApproval"
    versions = [ReleasedVersion(1, "review_budget", pending, 0.5, {"recall": 0.4}, "2024-07-01T09:14:22")]
    lineage = Lineage(
        f"RetrainFlow/{run}", run, "0a1b2c3", "9f2c41d07be3a865", "41c0", "config/retrain.toml", f"{run}/evaluate/7"
    )
    return Release(f"release-{run}", "local: players", versions, [], lineage, [])


def steps_of(run, until="end", origin=None, gain=0.0, data=None, **changes):
    """Return the artifacts of each step's tasks up to a step."""
    launch = {"commit": "0a1b2c3", "config": "config/retrain.toml"}
    start = {"settings": settings(**changes), "origin_run": origin or run, "commit": "0a1b2c3", "launch": launch}
    folds = [{"fold": fold, "progress": progress().to_plain(), "candidates": TooLarge()} for fold in (1, 0)]
    usage = [{"step": "start"}]
    steps = {
        "start": [start | {"usage": usage}],
        "preprocess": [{"players": TooLarge(), "data_report": (data or report()).to_plain(), "usage": usage * 2}],
        "train": folds,
        "select": [{"models": TooLarge()}],
        "evaluate": [{"evaluation": evaluation(gain).to_plain()}],
        "register": [{"release": release(run).to_plain()}],
        "end": [{"cost": Bill("USD", 1.25, 1.0, 0.5, 0.0, False, 0, []).to_plain()}],
    }
    names = list(steps)
    return {name: steps[name] for name in names[: names.index(until) + 1]}


@contextmanager
def read_before():
    """Let the Client API read afterwards what it has read before."""
    before = metaflow.get_metadata()
    yield
    with suppress(ValueError):  # it had no folder to read
        metaflow.metadata(before)


@pytest.fixture
def recorder(tmp_path):
    """Write runs into a folder of this test's own, which is read until it ends."""
    with read_before():
        yield Recorder(tmp_path)


def record_runs(folder):
    """Write a finished run, one that is better on drifted data, one that failed in `train`, one that has begun."""
    recorder = Recorder(folder)
    recorder.run("first", steps_of("first"), tags=["nightly"])
    moved = report(2.0, "00000000ffffffff")
    recorder.run("second", steps_of("second", gain=0.2, data=moved, seed=11, train={"members": 16}), user="omar")
    failed = steps_of("third", until="train", origin="first")
    recorder.run("third", {**failed, "train": [{}]}, failed="train")
    recorder.run("fourth", steps_of("fourth", until="start"), user="omar")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    record_runs(folder)
    return folder
