"""Messages go to terminals, logs and Metaflow's metadata: they count players and say where to look, and name nobody."""

import traceback

import pyarrow as pa
import pytest

from scarcegan.data.tables import read_table
from scarcegan.data.validation import checked_ids
from scarcegan.problems import DataProblem

ID = "4711007"


def told(call):
    """All that a log would show of a refusal, with what caused it."""
    with pytest.raises(DataProblem) as caught:
        call()
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("line", [f"{ID},1,2", f'"{ID},1'])
def test_a_ragged_row_is_counted_but_not_repeated(tmp_path, line):
    """PyArrow's own message has the whole row."""
    (tmp_path / "risky.csv").write_text(f"player_id,bets\n1,2\n{line}\n")
    message = told(lambda: read_table(str(tmp_path / "risky.csv")))
    assert "Row #3: Expected 2 columns, got" in message
    assert ID not in message


@pytest.mark.parametrize("broken", [float(ID) + 0.5, float(ID) * 1e12])
def test_ids_that_are_no_whole_numbers_are_counted_but_not_shown(broken):
    message = told(lambda: checked_ids("risky", pa.chunked_array([[1.0, broken]]), "player_id"))
    assert "'player_id' of 'risky', got double: " in message
    assert ID not in message
