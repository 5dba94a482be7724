import numpy as np
import pytest

from scarcegan.history.data_drift import data_drift


def report(values, fingerprint, low=None, high=None):
    """A data report of one feature, its histogram between the 1st and the 99th percentile."""
    low, high = np.percentile(values, [1, 99]) if low is None else (low, high)
    edges = np.linspace(low, high, 21)
    shares = np.histogram(np.clip(values, low, high), edges)[0] / len(values)
    row = {"name": "bets", "p50": float(np.median(values)), "zero_share": float(np.mean(values == 0))}
    row["histogram"] = {"edges": edges.tolist(), "unlabeled": shares.tolist()}
    return {"fingerprint": fingerprint, "feature_table": [row]}


def test_distances_of_shifted_normals_are_near_the_true_ones():
    rng = np.random.default_rng(1)
    before, now = rng.normal(0, 1, 50_000), rng.normal(0.5, 1, 50_000)
    found = data_drift(report(before, "a"), report(now, "b")).iloc[0]
    # KS of a shift d is 2 * Phi(d / 2) - 1, the index d squared; the histogram tells a little less.
    assert 0.15 < found["ks"] <= 0.21
    assert 0.12 < found["psi"] < 0.28


def test_values_on_few_points_do_not_drift_because_bins_differ():
    rng = np.random.default_rng(2)
    values = rng.poisson(1.5, 20_000).astype(float)
    found = data_drift(report(values, "a"), report(values, "b", 0, 13)).iloc[0]
    assert found["ks"] == pytest.approx(0, abs=1e-9)
    assert found["psi"] == pytest.approx(0, abs=1e-9)


def test_a_moved_counter_is_seen():
    rng = np.random.default_rng(2)
    before, now = (rng.poisson(rate, 20_000).astype(float) for rate in (1.5, 4.0))
    found = data_drift(report(before, "a"), report(now, "b")).iloc[0]
    assert found["ks"] > 0.3
    assert (found["median_before"], found["median_now"]) == (1, 4)


def test_the_same_data_and_data_not_yet_made_have_no_drift():
    values = np.arange(100.0)
    assert len(data_drift(report(values, "a"), report(values, "a"))) == 0
    assert len(data_drift(None, report(values, "a"))) == 0
