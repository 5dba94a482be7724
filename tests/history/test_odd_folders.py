"""A project may lie in a folder of any name."""

import pytest
from history_samples import read_before, steps_of
from recorded_runs import Recorder

from scarcegan import history


@pytest.mark.parametrize("name", ["risk [2026]", "risk*", "risk?"])
def test_runs_are_found_below_a_folder_whose_name_looks_like_a_pattern(tmp_path, name):
    """To Metaflow it is one, and nothing is found: no run to compare, to prune or to forget a player of."""
    (tmp_path / name).mkdir()
    with read_before():
        run = Recorder(tmp_path / name).run("one", steps_of("one"), tags=["nightly"])
        [found] = history.facts_of_runs((), "", "", "", "", None)
        assert (found.status, "nightly" in found.tags) == ("finished", True)
        assert found.metrics
        assert found.run in str(run)
