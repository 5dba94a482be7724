import math

import pytest
from history_samples import evaluation, steps_of

from scarcegan import history
from scarcegan.problems import HistoryProblem


@pytest.fixture(scope="module")
def compared(recorded):
    found = history.compare("first", "second", "third")
    assert found.record.unread == {}, "what is large cannot be loaded: nobody may try to"
    return found


def row(frame, **chosen):
    for key, value in chosen.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_only_settings_that_differ_are_shown(compared):
    assert compared.record.settings == {
        "seed": {"first": 7, "second": 11, "third": 7}, "train.members": {"first": 8, "second": 16, "third": 8}
    }  # fmt: skip
    assert compared.settings.set_index("setting").to_dict("index") == compared.record.settings


def test_a_metric_stands_beside_the_first_runs_with_the_spread_of_both_runs_folds(compared):
    second = row(compared.metrics, run="second", definition="review_budget", metric="recall")
    assert second["delta"] == pytest.approx(0.2)
    assert second["spread"] == pytest.approx(0.06 * math.sqrt(2))
    assert row(compared.metrics, run="first", definition="balanced", metric="f2")["delta"] == 0


def test_where_folds_measure_nothing_the_spread_is_that_of_resampling(compared):
    second = row(compared.metrics, run="second", definition="balanced", metric="pr_auc")
    assert second["spread"] == pytest.approx(second["std"] * math.sqrt(2))


def test_learning_curves_hold_the_healthy_members_of_each_fold(compared):
    curves = compared.curves
    assert set(zip(curves["run"], curves["fold"], strict=True)) == {
        ("first", 0), ("first", 1), ("second", 0), ("second", 1)
    }  # fmt: skip
    last = row(curves, run="first", fold=0, series="validation_average_precision", iteration=100)
    assert last[["low", "median", "high"]].tolist() == pytest.approx([0.22, 0.3, 0.38])


def test_drift_is_told_of_runs_on_other_data_only_most_moved_first(compared):
    drift = compared.drift
    assert set(drift["run"]) == {"second"}
    assert drift["psi"].is_monotonic_decreasing
    assert (drift["psi"][2:] == 0).all()
    assert drift["ks"][0] > 0
    columns = ["median_before", "median_now", "zero_share_before", "zero_share_now"]
    assert drift.iloc[0][columns].tolist() == [0, 2, 0.1, 0.1]
    data = compared.record.data
    assert data["first"] == data["third"] != data["second"]


def test_best_goes_by_what_each_definition_maximises(compared):
    best = compared.best.set_index("definition")
    assert best["metric"].to_dict() == {
        "recall_first": "flagged_share", "precision_first": "recall", "review_budget": "recall", "balanced": "f2"
    }  # fmt: skip
    assert best.loc["review_budget", "run"] == "second"
    assert best.loc["review_budget", "lead"] == pytest.approx(0.2)
    assert best.loc["review_budget", "runner_up"] == "first"
    assert not best.loc["review_budget", "same_data"]


def test_best_of_all_runs_leaves_out_those_that_were_not_evaluated(recorded):
    assert set(history.best()["runs"]) == {2}


def test_runs_of_another_registry_group_are_judged_by_themselves(recorder):
    for run, group in (("players", "risky-players"), ("network", "kdd99"), ("other", "kdd99")):
        recorder.run(run, steps_of(run, registry={"group": group}))
    best = history.best()
    assert best.groupby("group")["runs"].first().to_dict() == {"risky-players": 1, "kdd99": 2}
    assert set(best[best["group"] == "risky-players"]["run"]) == {"players"}


def test_a_run_is_not_set_against_what_a_resume_has_taken_over_of_it(recorder):
    recorder.run("first", steps_of("first", until="register"))
    recorder.run("resumed", steps_of("resumed", origin="first"))
    recorder.run("mended", steps_of("mended", origin="first", gain=0.1))
    best = history.best().set_index("definition").loc["review_budget"]
    assert (best["run"], best["runs"]) == ("mended", 2)
    assert set(history.best("first", "resumed")["runs"]) == {1}


def test_a_comparison_takes_two_different_runs(recorded):
    with pytest.raises(HistoryProblem, match="two runs or more, got 1"):
        history.compare("first", "RetrainFlow/first")


def test_a_run_of_other_code_is_compared_as_far_as_it_can_be_read(recorder):
    other = steps_of("other", seed=11)
    other["evaluate"][0]["evaluation"]["models"] = {"balanced": {"threshold": 0.5}}
    del other["train"][0]["progress"]["healthy"]
    recorder.run("first", steps_of("first"))
    recorder.run("other", other)
    record = history.compare("first", "other").record
    assert list(record.settings) == ["seed"]
    assert {figure.run for figure in record.metrics} == {best.run for best in record.best} == {"first"}
    assert [curve.fold for curve in record.curves if curve.run == "other"] == [0, 0, 0]
    assert [line.partition(":")[0] for line in record.unread["other"]] == ["evaluation", "progress of fold 1"]
    assert history.best_runs(())[1].keys() == {"other"}


def test_a_comparison_opens_with_the_definition_that_bounds_the_flagged_share(compared):
    assert compared.record.headline == evaluation().headline == "review_budget"
