"""A small slice of the replay: six months of history, then four, the last two of another season."""

import pytest
import replay
from replay_tables import markdown

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    return replay.replay(replay.plans(quick=True)["simulated"](folder), folder, replay.HISTORY["simulated"])


def test_each_policy_meets_the_same_months(walked):
    assert list(walked) == ["never", "always", "by_drift"]
    for told in walked.values():
        assert [row["season"] for row in told["periods"]] == [0.0, 1.0, 1.0]
        assert [row["risky"] for row in told["periods"]] == [18, 18, 18]


def test_never_keeps_the_first_model_and_always_takes_the_newest(walked):
    assert walked["never"]["trainings"] == 1
    assert {row["champion"] for row in walked["never"]["periods"]} == {"players-2026-06-30"}
    assert walked["always"]["trainings"] == 3
    assert [row["champion"] for row in walked["always"]["periods"]] == [
        "players-2026-06-30",
        "players-2026-07-30",
        "players-2026-08-29",
    ]
    assert walked["always"]["training_cpu_s"] > walked["never"]["training_cpu_s"]


def test_the_same_model_on_the_same_players_finds_the_same(walked):
    first = [told["periods"][0]["recall_at_budget"] for told in walked.values()]
    assert len(set(first)) == 1


def test_by_drift_sees_the_season_and_asks_for_a_retraining_when_it_stays(walked):
    watched = walked["by_drift"]["periods"]
    assert [row["action"] for row in watched] == ["no action", "watch", "retrain"]
    assert "classifier" in watched[2]["causes"]
    assert watched[2]["realised_recall"] is not None
    assert not watched[2]["retrain"]  # nothing is scored after the last period


def test_the_page_has_a_row_for_each_policy_and_month(walked):
    page = markdown({"simulated": walked})
    for name in ("never", "always", "by drift"):
        assert f"\n| {name} | 0." in page
    for row in walked["by_drift"]["periods"]:
        assert f"\n| {row['cutoff']} | {row['season']:g} | " in page
        assert f"| {row['cutoff']} | {row['action']} | " in page
