"""Runs as Metaflow leaves them behind, written without running anything."""

import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cards"))  # card_samples has the plain data

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "The _yaml extension module", DeprecationWarning)
    import metaflow  # noqa: F401

import card_samples
from recorded_runs import Recorder

from scarcegan.settings import load


class TooLarge:
    """An artifact that nobody may load to list, show or compare runs."""

    def __reduce__(self):
        return (_refuse, ())


def _refuse():
    raise AssertionError("a large artifact was loaded")


def settings(**changes):
    return load({"data": {"prevalence": 0.01}, **changes}).model_dump(mode="json")


def report(shift=0.0, fingerprint="9f2c41d07be3a865"):
    """A data report whose features have moved by bins of their histograms."""
    found = card_samples.data_report(features=6) | {"fingerprint": fingerprint}
    if shift:
        for row in found["feature_table"][:2]:
            row["histogram"]["edges"] = [edge + shift for edge in row["histogram"]["edges"]]
            row["p50"] += shift
    return found


def evaluation(gain=0.0):
    """An evaluation whose review budget model finds more by `gain`."""
    found = card_samples.evaluation()
    test = found["models"]["review_budget"]["test"]["test"]
    for end in ("value", "low", "high"):
        test["recall"][end] += gain
    return found


def steps_of(run, until="end", origin=None, gain=0.0, data=None, **changes):
    """Return the artifacts of each step's tasks up to a step."""
    release = card_samples.release()
    lineage = release["lineage"] | {"run": f"RetrainFlow/{run}", "config": "config/retrain.toml"}
    launch = {"commit": "0a1b2c3", "config": "config/retrain.toml"}
    start = {"settings": settings(**changes), "origin_run": origin or run, "commit": "0a1b2c3", "launch": launch}
    folds = [{"fold": fold, "history": card_samples.history(), "candidates": TooLarge()} for fold in (1, 0)]
    steps = {
        "start": [start],
        "preprocess": [{"players": TooLarge(), "data_report": data or report()}],
        "train": folds,
        "select": [{"models": TooLarge()}],
        "evaluate": [{"evaluation": evaluation(gain)}],
        "register": [{"release": release | {"lineage": lineage, "release_id": f"release-{run}"}}],
        "end": [{"cost": {"money": 1.25, "currency": "USD"}}],
    }
    names = list(steps)
    return {name: steps[name] for name in names[: names.index(until) + 1]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A finished run, a second one that is better on drifted data, one that failed in `train`, one that has begun."""
    folder = tmp_path_factory.mktemp("recorded")
    recorder = Recorder(folder)
    recorder.run("first", steps_of("first"), tags=["nightly"])
    moved = report(40.0, "00000000ffffffff")
    recorder.run("second", steps_of("second", gain=0.2, data=moved, seed=11, train={"members": 16}), user="omar")
    failed = steps_of("third", until="train", origin="first")
    recorder.run("third", {**failed, "train": [{}]}, failed="train")
    recorder.run("fourth", steps_of("fourth", until="start"), user="omar")
    return folder
