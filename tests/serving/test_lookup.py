import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scarcegan.data.scaling import Scaler, fit_scaler
from scarcegan.serving.lookup import MOST_CELLS, ColumnScaler
from scarcegan.settings import Scaling

RNG = np.random.default_rng(4)
DISTRIBUTIONS = {
    "long tail": RNG.lognormal(0, 2, 3000),
    "around zero": RNG.normal(size=3000),
    "counts": RNG.poisson(3, 3000),
    "mostly zero": RNG.lognormal(size=3000) * (RNG.random(3000) < 0.2),
    "far from zero": 1e6 + RNG.normal(size=3000),
    "negative": -RNG.lognormal(size=3000),
    "constant": np.full(3000, 7.0),
    "two values": RNG.integers(0, 2, 3000),
}


@pytest.fixture(params=["quantile_normal", "log_minmax"])
def fitted(request):
    """A scaler fitted on every distribution, and rows it has not seen."""
    rows = np.column_stack(list(DISTRIBUTIONS.values())).astype(np.float32)
    unseen = RNG.permuted(rows, axis=0) + RNG.normal(size=rows.shape).astype(np.float32)
    return fit_scaler(rows, Scaling(kind=request.param)), unseen


def difference(scaler, raw):
    columns = np.ascontiguousarray(raw.T)
    return np.abs(ColumnScaler(scaler).apply(columns) - scaler.apply(raw).T).max()


def test_equals_the_scaler(fitted):
    scaler, unseen = fitted
    assert difference(scaler, unseen) < 2e-6


def test_equals_the_scaler_at_its_knots_and_far_beyond(fitted):
    scaler, _ = fitted
    assert difference(scaler, scaler.knots.T.copy()) < 2e-6
    beyond = np.array([-3e38, -1e9, -0.0, 0.0, 1e-40, 1e9, 3e38], dtype=np.float32)
    assert difference(scaler, np.repeat(beyond[:, None], len(DISTRIBUTIONS), axis=1)) < 2e-6


def test_the_input_is_left_as_it_was(fitted):
    scaler, unseen = fitted
    columns = np.ascontiguousarray(unseen.T)
    before = columns.copy()
    ColumnScaler(scaler).apply(columns)
    np.testing.assert_array_equal(columns, before)


FINITE = st.floats(-1e6, 1e6, width=32).filter(lambda value: value == 0 or abs(value) > 1e-20)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    knots=arrays(np.float32, (1, 9), elements=FINITE, unique=True),
    raw=arrays(np.float32, (20, 1), elements=FINITE),
)
def test_any_knots_give_the_scalers_numbers(knots, raw):
    values = np.linspace(-3, 3, 9, dtype=np.float32)[None, :]
    scaler = Scaler("quantile_normal", np.sort(knots, axis=1), values)
    # A value a hair from a knot of a steep segment may differ by that hair's rounding.
    assert difference(scaler, raw) < 1e-5


@pytest.mark.parametrize("kind", ["quantile_normal", "log_minmax"])
def test_missing_values_equal_the_scaler(kind):
    rows = np.column_stack(list(DISTRIBUTIONS.values())).astype(np.float32)
    rows[RNG.random(rows.shape) < 0.1] = np.nan
    rows[:, 1] = DISTRIBUTIONS["counts"]
    scaler = fit_scaler(rows, Scaling(kind=kind))
    assert 1 not in scaler.indicators
    rows[0] = np.nan
    assert difference(scaler, rows) < 2e-6


def test_a_feature_takes_a_byte_of_memory_for_each_cell_of_its_table():
    raw = np.random.default_rng(7).normal(size=(3_000, 40)).astype(np.float32)  # on both sides of 0: tables are long
    by_table = ColumnScaler(fit_scaler(raw, Scaling()))
    arrays = [one for one in vars(by_table).values() if isinstance(one, np.ndarray)]
    assert sum(one.nbytes for one in arrays) < 40 * (MOST_CELLS + 4_096)
