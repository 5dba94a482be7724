import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.problems import RegistryProblem

CURVES = [Calibration(0.8, 1.6, -3.0), Calibration(1.0, 1.0, -2.3), Calibration(2.5, 0.4, 1.0), Calibration(20, 20, 0)]
SCORES = np.linspace(0, 1, 101, dtype=np.float32)


def on_paper(curve, score):
    odds = np.exp(curve.c) * score**curve.a / (1 - score) ** curve.b
    return odds / (1 + odds)


@pytest.mark.parametrize("curve", CURVES)
def test_the_curve_is_that_of_the_paper(curve):
    found = curve.apply(SCORES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[1:-1], on_paper(curve, SCORES[1:-1].astype(float)), rtol=1e-6)
    assert 0 <= found[0] < found[1]
    assert found[-2] <= found[-1] <= 1


def test_slopes_of_one_change_nothing():
    np.testing.assert_allclose(Calibration(1, 1, 0).apply(SCORES), SCORES, atol=1e-7)


@pytest.mark.parametrize("curve", CURVES[:3])
def test_scores_that_differ_stay_different_and_in_order(curve):
    scores = np.geomspace(1e-6, 0.9, 10_000).astype(np.float32)
    assert (np.diff(curve.apply(scores)) > 0).all()


@pytest.mark.parametrize("curve", CURVES)
def test_no_two_neighbouring_floats_change_places(curve):
    bits = np.random.default_rng(0).integers(0, np.float32(1).view(np.int32), 20_000, dtype=np.int32)
    below, above = (curve.apply((bits + step).view(np.float32)) for step in (0, 1))
    assert (below <= above).all()


@pytest.mark.parametrize("curve", CURVES)
def test_the_other_classes_share_what_is_left_in_their_old_proportions(curve):
    before = np.random.default_rng(0).dirichlet(np.full(4, 0.3), 500).T.astype(np.float32)
    before[:, :2] = np.array([[0, 0, 1, 0], [0.2, 0.3, 0, 0.5]], np.float32).T
    after = before.copy()
    curve.rescale(after, 2)
    np.testing.assert_array_equal(after[2], curve.apply(before[2]))
    np.testing.assert_allclose(after.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(after[0] * before[1], after[1] * before[0], atol=1e-6)


@pytest.mark.parametrize("curve", CURVES[:3])
def test_the_mean_slope_bridges_two_scores_and_is_the_derivative_at_one(curve):
    start, end = np.float32([0.1, 0.3, 0.2]), np.float32([0.7, 0.05, 0.2])
    slope = curve.slope(start, end)
    np.testing.assert_allclose(slope * (end - start), curve.apply(end) - curve.apply(start), atol=1e-6)
    nudged = on_paper(curve, np.array([0.2 - 1e-6, 0.2 + 1e-6]))
    np.testing.assert_allclose(slope[2], np.diff(nudged)[0] / 2e-6, rtol=1e-4)


@pytest.mark.parametrize("numbers", [(0, 1, 0), (1, -1, 0), (1, 1, np.inf), (np.nan, 1, 0)])
def test_a_curve_that_does_not_rise_is_refused(numbers):
    with pytest.raises(RegistryProblem, match="a and b > 0, got Calibration"):
        Calibration(*map(float, numbers)).check()
