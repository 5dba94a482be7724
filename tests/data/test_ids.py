from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from scarcegan.data import ids
from scarcegan.data.ids import canonical, lots, to_numpy


def ids_of(*values, kind=None):
    return to_numpy([canonical(pa.chunked_array([pa.array(values, kind)]))])


@pytest.mark.parametrize(
    "stored",
    [
        pa.array([12, -5], pa.int32()),
        pa.array([12.0, -5.0]),
        pa.array(["12", "-5"]),
        pa.array(["12.0", "-5.0"], pa.large_string()),
        pa.array([Decimal("12.00"), Decimal("-5.00")]),
    ],
    ids=lambda stored: str(stored.type),
)
def test_every_form_of_a_whole_number_is_the_same_id(stored):
    found = to_numpy([canonical(pa.chunked_array([stored]))])
    assert found.dtype == np.int64
    assert found.tolist() == [12, -5]


def test_ids_of_nineteen_digits_are_the_same_as_integers_and_as_text():
    longest = [2**63 - 1, -(2**63), 1_234_567_890_123_456_789]
    assert ids_of(*longest).tolist() == ids_of(*map(str, longest)).tolist() == longest


def test_what_no_integer_of_64_bits_can_hold_is_text():
    assert ids_of(2**63, 7, kind=pa.uint64()).tolist() == [str(2**63), "7"]
    assert ids_of("007", "7").tolist() == ["007", "7"]
    assert ids_of(str(2**63), "7").tolist() == [str(2**63), "7"]


@pytest.mark.parametrize("number", [1.5, 2.0**60, Decimal("1.50")])
def test_numbers_that_are_no_whole_ones_are_refused(number):
    with pytest.raises(pa.ArrowInvalid):
        ids_of(number)


def test_a_number_has_the_same_lot_as_an_integer_and_as_text_beside_any_other_ids():
    numbers = np.array([7, -5, 2**63 - 1])
    np.testing.assert_array_equal(lots(numbers), lots(numbers.astype(str)))
    np.testing.assert_array_equal(lots(numbers), lots(np.array(["7", "p1", "-5", "9223372036854775807"]))[[0, 2, 3]])
    assert lots(np.array(["007"])) != lots(np.array([7]))


@pytest.mark.parametrize("typed", ["12.0", "12  ", " 12"])
def test_text_of_one_player_has_one_form_wherever_it_is_kept(typed):
    column = pa.chunked_array([[typed, "a "]])
    assert ids.stored(column).to_pylist() == ["12", "a"]
    assert canonical(column).to_pylist() == ["12", "a"]
