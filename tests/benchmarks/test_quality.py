"""The quality benchmark runs what is missing, and only that."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rivals", reason="the bench extra is missing: run `make bench`")
import contest
import meaning
import quality
import trials
from contest import keep_labels
from rivals import is_installed
from trials import Bench, Trial, run_trials, settings_of

from scarcegan.data.folds import in_folds
from scarcegan.data.players import Players
from scarcegan.evaluation.scored import Scored
from scarcegan.settings import load
from scarcegan.workflow.retraining.prepare import Prepared

pytestmark = pytest.mark.slow  # with `make bench` only

MEANS = ("mean_margin", "mean_margin_scarcegan", "ensemble_gain")
MEASURED = {"cpu_seconds": 0.1, "labeled_risky": 24, "tests": {}, "beside": {}, "transfer": {}, "calibration": {}}


@pytest.fixture
def bench(tmp_path):
    return Bench(folds=2, quick=True, store=tmp_path)


@pytest.fixture
def asked(monkeypatch):
    """Methods that were trained; nothing is, really."""
    methods = []
    monkeypatch.setattr(trials, "compete", lambda method, *_: methods.append(method) or MEASURED)
    monkeypatch.setattr(trials, "_players", lambda *_: None)
    monkeypatch.setattr(trials, "players_fingerprint", lambda *_: "same")
    return methods


@pytest.mark.usefixtures("capsys")
def test_stored_results_are_not_computed_again(bench, asked):
    group = [Trial("simulated", 101, method) for method in ("release", "extra_trees")]
    first = run_trials(group, bench)
    assert run_trials([*group, Trial("simulated", 101, "logistic")], bench)[:2] == first
    assert asked == ["release", "extra_trees", "logistic"]


@pytest.mark.parametrize(("changed", "again"), [("GAN_CODE", "release"), ("RIVAL_CODE", "extra_trees")])
def test_change_of_one_side_s_code_leaves_the_other_side_s_results(bench, asked, monkeypatch, changed, again):
    group = [Trial("simulated", 101, method) for method in ("release", "extra_trees")]
    run_trials(group, bench)
    monkeypatch.setattr(trials, changed, ("scarcegan/problems.py",))
    run_trials(group, bench)
    assert asked == ["release", "extra_trees", again]


def test_fingerprint_of_code_forgives_words_and_notices_deeds(tmp_path, monkeypatch):
    monkeypatch.setattr(meaning, "ROOT", tmp_path)
    marks = []
    for number, text in enumerate(('"""Add."""\nx = 1 + 1  # two', '"""Sum."""\nx = 1 + 1', "x = 1 + 2")):
        (tmp_path / f"{number}.py").write_text(text)
        marks.append(meaning.meaning((f"{number}.py",)))
    assert marks[0] == marks[1] != marks[2]


def test_published_has_the_published_sizes_and_rates_on_every_data_set(bench):
    for data_set in trials.DATA_SETS:
        settings = settings_of(Trial(data_set, 101, "published"), Bench(3, False, bench.store))
        assert (settings.model.objective, settings.model.trunk) == ("published", (15, 21, 8))
        assert (settings.train.batch, settings.train.learning_rate_generator) == (32, 1e-4)
        assert settings.train.averaging == 0
        assert (settings.scaling.kind, settings.folds.k, settings.seed) == ("log_minmax", 3, 101)


def test_all_methods_run_under_the_same_seeds_and_the_label_curve_with_fewer_labels_under_fewer():
    options = quality.parse_options(["--datasets", "lootbox_2023-04-13", "--seeds", "3", "--curve-seeds", "2"])
    groups = quality.planned_trials(options)
    wholes = [{trial.method for trial in group if not trial.labeled_risky_wanted} for group in groups]
    there = {name for name in trials.METHODS if is_installed(name)}
    assert wholes[0] == wholes[1] == wholes[2] == there - {"without_steps", "xgbod", "devnet"}
    curves = [[trial for trial in group if trial.labeled_risky_wanted] for group in groups]
    assert [bool(curve) for curve in curves] == [True, True, False]
    curve = curves[1]
    assert {trial.labeled_risky_wanted for trial in curve} == {10, 25, 50, 100}
    assert {"release", "labels_only", "extra_trees"} <= {trial.method for trial in curve}
    assert not {trial.method for trial in curve} & {*quality.SLOW, "vanilla"}


def test_nothing_is_ablated_twice():
    options = quality.parse_options(["--datasets", "simulated", "kdd99_u2r", "--seeds", "1"])
    simulated, kdd99 = ({trial.method for trial in group} for group in quality.planned_trials(options))
    # Only where the configuration has steps are they taken away.
    assert kdd99 - simulated == {"without_steps"}
    assert {"without_prior", "vanilla", "release"} <= simulated


@pytest.fixture
def known_labels():
    labels = np.repeat([0, 1, -1], [30, 31, 40]).astype(np.int8)
    players = Players(
        np.arange(len(labels)), np.zeros((len(labels), 1), np.float32), ("x",), labels, labels, np.zeros_like(labels)
    )
    return Prepared(players, (np.arange(len(labels)) % 3).astype(np.int8), "before")


def few_of(known_labels, k):
    settings = load({"populations": {"negatives": ["normal"]}, "folds": {"k": k}, "seed": 3})
    return keep_labels(known_labels, 10, settings)


def test_with_fewer_labels_folds_are_made_anew_and_the_others_are_unlabelled(known_labels):
    few, labels = few_of(known_labels, k=3), known_labels.players.labels
    kept = np.flatnonzero(few.players.labels == 1)
    assert np.ptp(np.bincount(few.fold[kept], minlength=3)) <= 1
    assert np.all(labels[kept] == 1)
    assert np.count_nonzero(few.players.labels == -1) == 40 + 21
    assert few.fingerprint != "before"


def test_rivals_see_the_same_rows_whatever_the_number_of_folds(known_labels, bench):
    three, five = (few_of(known_labels, k) for k in (3, 5))
    assert np.array_equal(three.players.labels, five.players.labels)
    assert np.array_equal(in_folds(three.fold, 3), in_folds(five.fold, 5))
    rival, release = Trial("simulated", 101, "logistic"), Trial("simulated", 101, "release")
    more = replace(bench, folds=3)
    assert trials.result_path(rival, bench) == trials.result_path(rival, more)
    assert trials.result_path(release, bench) != trials.result_path(release, more)


def test_quick_benchmark_prints_its_figures_and_writes_its_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(quality, "FIRST_SEED", 306)  # whatever is reported: so few players tell a prevalence by luck
    arguments = ["--quick", "--methods", "release", "logistic", "lightgbm_labels", "--store", str(tmp_path)]
    quality.main(quality.parse_options(arguments))
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    own = {f"quality.simulated.{name}" for name in ("margin", "margin_scarcegan", "margin_lightgbm")}
    assert set(told["figures"]) == own | {f"quality.{name}" for name in MEANS} | {
        "calibration.ece_before",
        "calibration.ece_after",
    }
    table = told["tables"]["simulated"]
    assert all(0 < table[method]["pr_auc"]["mean"] <= 1 for method in ("release", "logistic", "lightgbm_labels"))
    assert {row["definition"] for row in told["transfer"]} == {
        "recall_first",
        "precision_first",
        "review_budget",
        "balanced",
    }
    assert json.loads((tmp_path / "quality.json").read_text()) == told
    assert "## simulated" in (tmp_path / "quality_tables.md").read_text()


@pytest.mark.parametrize(("rate", "recall"), [(0.0, 1 / 3), (1 / 7, 2 / 3), (5 / 7, 1)])
def test_recall_at_a_false_positive_rate_by_hand(rate, recall):
    """Ten players by falling score, risky at ranks 1, 3 and 8."""
    scored = Scored(np.arange(10, 0, -1) / 10, np.isin(np.arange(10), [0, 2, 7]), np.ones(10, dtype=bool))
    assert contest._recall_at_false_positives(scored, rate) == pytest.approx(recall)
