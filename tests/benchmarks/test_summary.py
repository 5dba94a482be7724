"""Stored results become fair comparisons: paired, against the best rival, with both kinds of luck."""

import numpy as np
import pytest

pytest.importorskip("rivals", reason="the bench extra is missing: run `make bench`")
from quality_tables import markdown
from summary import MEASURES, judge, summarize, t_interval

pytestmark = pytest.mark.slow  # with `make bench` only

RESAMPLES = 50


def measured(pr_auc, noise=0.0):
    resampled = pr_auc + noise * np.random.default_rng(0).normal(size=RESAMPLES)
    return dict.fromkeys(MEASURES, pr_auc) | {"resampled_pr_auc": resampled.tolist(), "cpu_seconds": 1.0}


def seeds(*values, noise=0.0):
    return {seed: measured(value, noise) for seed, value in enumerate(values)}


def result(method, pr_auc, seed=0, wanted=None, labeled=80, **more):
    tests = {"shifted": measured(pr_auc), "same": measured(pr_auc / 2)}
    told = {"data_set": "kdd", "seed": seed, "method": method, "labeled_risky_wanted": wanted, "cpu_seconds": 1.0}
    # Of a release of 0.6 ScarceGAN alone has 0.6, and all without it 0.57.
    parts = {"scarcegan": pr_auc, "without_scarcegan": pr_auc - 0.03} if method == "release" else {}
    told["beside"] = {name: {"shifted": measured(one), "same": measured(one / 2)} for name, one in parts.items()}
    return told | {"labeled_risky": wanted or labeled, "tests": tests, "transfer": {}, "calibration": {}} | more


def test_best_rival_is_the_one_with_the_highest_mean_and_the_margin_is_paired_with_it():
    methods = {"release": seeds(0.5, 0.7), "a": seeds(0.1, 0.9), "b": seeds(0.45, 0.62), "c": seeds(0.2, 0.2)}
    told = judge(methods, ("a", "b", "c"))
    assert told["rival"] == "b"
    assert told["margin"] == pytest.approx((0.05 + 0.08) / 2)
    assert (told["seeds_won"], told["seeds_lost"]) == (2, 0)


def test_rival_that_lacks_a_seed_is_not_compared():
    methods = {"release": seeds(0.5, 0.7), "a": seeds(0.9), "b": seeds(0.4, 0.4)}
    assert judge(methods, ("a", "b"))["rival"] == "b"
    assert judge(methods, ("a",)) is None


@pytest.mark.parametrize(
    ("ours", "noise", "verdict"),
    [
        ((0.60, 0.61, 0.62), 0.0, "win"),
        ((0.40, 0.41, 0.42), 0.0, "loss"),
        ((0.40, 0.50, 0.63), 0.0, "tie"),  # the seeds disagree
        ((0.60, 0.61, 0.62), 0.3, "tie"),  # other test players might disagree
    ],
)
def test_verdict_needs_seeds_and_players_to_agree(ours, noise, verdict):
    methods = {"release": seeds(*ours, noise=noise), "a": seeds(0.5, 0.5, 0.5)}
    assert judge(methods, ("a",))["verdict"] == verdict


def test_calibration_errors_are_those_of_simulated_players():
    told = [{"before": 0.03, "after": 0.002}, {"before": 0.05, "after": 0.004}, {}]
    results = [result("release", 0.6, seed, data_set="simulated", calibration=one) for seed, one in enumerate(told)]
    figures = summarize([*results, result("release", 0.6, calibration={"before": 0.9, "after": 0.9})])["figures"]
    assert figures["calibration.ece_before"] == pytest.approx(0.04)
    assert figures["calibration.ece_after"] == pytest.approx(0.003)
    assert "calibration.ece_after" not in summarize([result("release", 0.6)])["figures"]


def test_t_interval_of_two_values_is_the_textbook_one():
    assert t_interval(np.array([1.0, 3.0])) == pytest.approx([2 - 12.7062, 2 + 12.7062], abs=1e-3)
    assert t_interval(np.array([1.0])) is None


def test_first_test_set_has_the_data_set_s_name_in_the_figures():
    summary = summarize([result("release", 0.6), result("extra_trees", 0.4), result("lightgbm_labels", 0.2)])
    assert summary["figures"] == pytest.approx(
        {
            "quality.kdd.margin": 0.2,
            "quality.kdd_same.margin": 0.1,
            "quality.kdd.margin_scarcegan": 0.2,
            "quality.kdd_same.margin_scarcegan": 0.1,
            "quality.mean_margin": 0.15,
            "quality.mean_margin_scarcegan": 0.15,
            "quality.ensemble_gain": 0.0225,
            "quality.kdd.margin_lightgbm": 0.4,
            "quality.kdd_same.margin_lightgbm": 0.2,
        }
    )


def test_threshold_that_is_bound_is_off_its_bound_and_another_off_what_validation_said():
    bound = {"measure": "recall", "bound": 0.85, "validation": 0.9, "tests": {"shifted": 0.8, "same": 0.85}}
    free = {"measure": "f2", "bound": None, "validation": 0.5, "tests": {"shifted": 0.4, "same": 0.5}}
    rows = summarize([result("release", 0.6, transfer={"recall_first": bound, "balanced": free})])["transfer"]
    off = {(row["test"], row["definition"]): row["off"]["mean"] for row in rows}
    assert off == pytest.approx(
        {
            ("kdd", "recall_first"): -0.05,
            ("kdd_same", "recall_first"): 0.0,
            ("kdd", "balanced"): -0.1,
            ("kdd_same", "balanced"): 0.0,
        }
    )


def test_label_curve_ends_with_all_labels_and_leaves_the_tables_alone():
    results = [
        result("release", 0.6),
        result("vanilla", 0.5),
        result("release", 0.3, wanted=10),
        result("extra_trees", 0.4),
        result("extra_trees", 0.2, wanted=10),
    ]
    summary = summarize(results)
    curve = summary["label_curve"]["kdd"]
    assert list(curve) == ["10", "80"]
    assert list(curve["80"]) == ["release", "extra_trees"]
    assert summary["figures"]["quality.kdd_10_labels.margin"] == pytest.approx(0.1)
    assert curve["10"]["release"]["pr_auc"]["mean"] == pytest.approx(0.3)
    assert summary["tables"]["kdd"]["release"]["seeds"] == 1
    assert summary["ablation"]["kdd"]["vanilla"]["mean"] == pytest.approx(-0.1)


def test_page_shows_every_method_and_the_verdict():
    pr_auc = {"release": 0.6, "vanilla": 0.5, "logistic": 0.4}
    results = [result(method, value, seed) for seed in (0, 1) for method, value in pr_auc.items()]
    protocol = {"folds": 3, "seeds": 2, "curve_seeds": 0, "quick": False}
    page = markdown({"protocol": protocol, **summarize(results)})
    assert (
        "| kdd | logistic | +0.200 | +0.200 to +0.200 | +0.200 to +0.200 | 2 of 2 | **win** | - | win (+0.200) |"
        in page
    )
    assert "| scarcegan | 2 | 0.600 ± 0.000 | 0.600 ± 0.000 |" in page
    assert "| method | kdd |" in page
    assert "| vanilla | -0.100 ± 0.000 |" in page
    assert "| logistic | 2 | 0.400 ± 0.000 | - |" in page


def test_a_rival_for_few_labels_has_no_figures_with_all_of_them():
    results = [result("release", 0.6), result("release", 0.3, wanted=10), result("xgbod", 0.2, wanted=10)]
    protocol = {"folds": 3, "seeds": 1, "curve_seeds": 1, "quick": False}
    page = markdown({"protocol": protocol, **summarize(results)})
    assert "| 10 | 0.300, 0.300 | 0.200, 0.200 |" in page
    assert "| 80 | 0.600, 0.600 | - |" in page
