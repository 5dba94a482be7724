"""A spot instance is about to be taken away."""

import pytest
from metaflow import current

from live_training import stop_if_taken_away
from scarcegan.machine import MachineTakenAway


@pytest.fixture
def notice(tmp_path):
    current._update_env({"spot_termination_notice": str(tmp_path / "notice")})
    yield tmp_path / "notice"
    current._update_env({"spot_termination_notice": None})


def test_the_training_goes_on_until_the_notice_comes(notice):
    stop_if_taken_away()
    notice.write_text("2026-11-22T15:04:05Z")
    with pytest.raises(MachineTakenAway, match="takes this spot instance away at 2026-11-22T15:04:05Z"):
        stop_if_taken_away()


def test_other_machines_get_no_notice():
    stop_if_taken_away()
