import numpy as np
import pytest
from release_scoring import make_release, seconds_per_million, write_players

from scarcegan.settings import load, parse
from scarcegan.workflow.retraining.prepare import prepare


@pytest.mark.slow
def test_what_is_timed_is_a_release_of_all_default_families(tiny, tmp_path):
    settings = load(parse(tiny({})) | {"train": {"members": 2}})
    prepared, _ = prepare(settings)
    release = make_release(prepared, settings)
    assert [family.name for family in release.families] == list(settings.families)
    assert release.shares == pytest.approx([1 / len(release.shares)] * len(release.shares))
    assert np.isfinite(release.risk(prepared.players.features[:50])).all()
    write_players(tmp_path / "players.parquet", prepared, 300)
    assert seconds_per_million(release, tmp_path / "players.parquet") > 0
