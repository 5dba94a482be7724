"""The loop's benchmark: what is told of sizes, the plain script's features, and one tiny loop of both."""

import json
import subprocess
import tomllib
from datetime import date, timedelta

import loop
import loop_plain
import loop_stages
import numpy as np
import pandas as pd
import pytest

CUTOFF = date(2026, 1, 1)


def measured(players, cpu_s, peak_mb):
    """What a size tells whose stages all take as much."""
    used = {"cpu_s": cpu_s, "peak_mb": peak_mb, "told": {}}
    told = {"pr_auc_ours": 0.5, "pr_auc_plain": 0.4}
    return {players: dict.fromkeys((*loop.LOOP, "plain"), used) | {"quality": {"told": told}}}


def test_an_exponent_is_the_largest_between_neighbouring_sizes():
    assert loop.exponent({10: 1.0, 100: 10.0, 1_000: 30.0}) == pytest.approx(1.0)
    assert loop.exponent({10: 1.0, 100: 2.0, 1_000: 200.0}) == pytest.approx(2.0)


def test_figures_tell_the_loop_beside_the_plain_script_and_how_it_grows():
    sizes = measured(100_000, 5.0, 100) | measured(1_000_000, 50.0, 200) | measured(3_000_000, 300.0, 400)
    figures = loop.figures(sizes)
    assert figures["loop.cpu_s_per_million"] == 200.0  # four stages
    assert figures["loop.x_plain_1m"] == 4.0
    assert figures["loop.peak_mb_3m"] == 400.0
    assert figures["loop.cpu_exponent"] == figures["loop.scoring_cpu_exponent"] == pytest.approx(np.log(6) / np.log(3))
    assert (figures["loop.pr_auc_0.1m"], figures["loop.plain_pr_auc_0.1m"]) == (0.5, 0.4)


def test_one_size_has_figures_without_growth():
    figures = loop.figures(measured(30_000, 3.0, 100))
    assert figures["loop.cpu_s_per_million"] == pytest.approx(400.0)
    assert not [name for name in figures if "exponent" in name]


def test_stages_with_a_result_in_the_store_are_not_run_again(tmp_path, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command[command.index("--stage") + 1])
        return subprocess.CompletedProcess(command, 0, stdout='a library talks\n{"cpu_s": 1}\n')

    monkeypatch.setattr(loop.subprocess, "run", run)
    (tmp_path / "features.json").write_text(json.dumps({"cpu_s": 2}))
    found = loop.measure(tmp_path, 100, seed=1)
    assert asked == ["make", "retraining", "scoring", "drift", "plain", "quality"]
    assert (found["features"]["cpu_s"], found["drift"]["cpu_s"]) == (2, 1)
    loop.measure(tmp_path, 100, seed=1)
    assert len(asked) == 6


def test_the_plain_script_counts_days_without_a_row_as_days_without_activity():
    days = [1, 2, 50, 60, 61, 0]  # before the cut-off; the last two lie outside the window
    rows = pd.DataFrame({"player_id": 7, "date": pd.to_datetime([CUTOFF - timedelta(days=day) for day in days])})
    rows = rows.assign(**dict.fromkeys(loop_plain.COUNTERS, 0))
    rows["sessions"], rows["bets"] = [4, 2, 1, 1, 100, 100], [8, 4, 1, 3, 9, 9]
    player = loop_plain.features(rows, pd.Timestamp(CUTOFF)).loc[7]
    assert player["sessions_sum"] == 8
    assert player["active_share"] == np.float32(4 / 60)
    assert player["days_since_last"] == 1
    assert (player["sessions_recent"], player["sessions_early"]) == (6, 2)
    assert player["bets_per_session"] == 2
    assert player["sessions_trend"] > 0


def test_psi_is_zero_without_a_change_and_large_where_everybody_moves():
    values = np.random.default_rng(1).normal(size=5_000)
    assert loop_plain.psi(values, values) == 0
    assert loop_plain.psi(values, values + 1) > 0.5


@pytest.mark.slow
def test_both_ways_go_from_the_same_telemetry_to_scores_of_the_same_test_players(tiny, tmp_path):
    pytest.importorskip("lightgbm", reason="the bench extra is missing: run `make bench`")
    tree = tomllib.loads(tiny({"simulated": {"days": 90}}))
    settings = loop_stages.loop_settings(tmp_path, 1_500, seed=7, tree=tree)
    told = {name: getattr(loop_stages, name)(settings, tmp_path) for name in loop.STAGES}
    assert told["drift"]["action"] in ("no action", "watch")
    quality = told["quality"]
    assert quality["test_players"] == 450
    assert 0 < quality["test_risky"] < 450
    assert 0 < quality["pr_auc_ours"] <= 1
    assert 0 < quality["pr_auc_plain"] <= 1
    review = pd.read_parquet(next((tmp_path / "scores").rglob("review.parquet")))
    plain = pd.read_parquet(tmp_path / "plain.parquet")
    assert len(review) == plain["reasons"].notna().sum() == 15
