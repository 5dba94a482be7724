import json

import numpy as np
import pytest
import release_scoring

from scarcegan.settings import load, parse


@pytest.mark.slow
def test_what_is_timed_is_the_release_and_each_of_its_families(tiny, capsys, monkeypatch):
    settings, timed = load(parse(tiny({}))), []
    monkeypatch.setattr(release_scoring, "seconds_per_million", lambda model, _: timed.append(model) or 1.0)
    release_scoring.main(settings, rows=300)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    _, *alone, release, dearest = timed
    assert told["shares"] == {"scarcegan": release.share, **{one.name: one.share for one in release.families}}
    assert dearest.shares == pytest.approx(np.full(len(settings.families) + 1, 1 / (len(settings.families) + 1)))
    assert [one.families[0].name for one in alone] == list(settings.families)
    assert {f"scoring.{name}_s_per_million" for name in ("default", "dearest", "scarcegan", *settings.families)} == set(
        told["figures"]
    )


@pytest.mark.slow
def test_a_whole_file_is_scored(tiny, tmp_path):
    settings = load(parse(tiny({})))
    prepared, model, _ = release_scoring.trained(settings)
    release_scoring.write_players(tmp_path / "players.parquet", prepared, 300)
    assert release_scoring.seconds_per_million(model, tmp_path / "players.parquet") > 0
