"""Where people have reviewed an audit sample, their outcomes tell the realised recall, and may retrain."""

import numpy as np
import pandas as pd
import pytest
from monitoring_samples import report_of, sample, world

from scarcegan.monitoring.decision import decide
from scarcegan.monitoring.report import recall_of_outcomes
from scarcegan.outcomes.lists import ListFile, ListModel, ListSnapshot, ReviewedList
from scarcegan.outcomes.report import Reviewed, realised
from scarcegan.settings import Monitoring


def reviewed(cutoff, missed, version=3, labelled=True):
    """A list of 100 flagged players, half of them risky, and 50 drawn from 1,000 others, so many of them risky."""
    about = ReviewedList(
        ListModel(version, "review_budget", "shelf"),
        ListSnapshot(f"players-{cutoff}", cutoff),
        players=1_100,
        flagged=100,
        review=ListFile("review.parquet", 50),
        folder="",
    )
    stratum = np.repeat([0, 1], [100, 50])
    place = np.arange(150)
    is_risky = (place < 50) | ((place >= 100) & (place < 100 + missed))
    label = np.where(is_risky, "risky", "harmless") if labelled else np.where(stratum == 0, "harmless", "")
    rows = pd.DataFrame({"player_id": place.astype(str), "risk_score": 1 - place / 150, "stratum": stratum})
    return Reviewed(about, rows.assign(label=label, is_flagged=stratum == 0, inclusion=np.where(stratum, 0.05, 1.0)))


@pytest.fixture(scope="module")
def report_with():
    """A function: a drift report of players who have not moved, with such a realised recall."""
    same = sample(world(300, 1), name="first"), sample(world(300, 1), name="now")
    return lambda recall: report_of(*same, recall=recall)


def test_recall_is_estimated_over_all_earlier_lists_of_the_version():
    lists = [reviewed("2026-01-01", 5), reviewed("2026-02-01", 10)]
    others = [reviewed("2026-03-01", 0), reviewed("2026-01-01", 0, version=4)]
    found, behind = realised([*lists, *others], 3, "2026-03-01")
    assert found.value == pytest.approx(100 / (100 + 300))
    assert [one.about for one in behind] == [one.about for one in lists]
    told = recall_of_outcomes(found, behind, registered=0.8)
    assert (told.found, told.risky, told.reviewed, told.snapshot) == (100, 400, 300, "players-2026-02-01")
    assert told.low < 0.25 < told.high < 0.8
    assert told.p < 0.01


def test_lists_without_a_reviewed_audit_sample_tell_nothing():
    assert realised([reviewed("2026-01-01", 0, labelled=False)], 3, "2026-02-01") is None
    assert realised([], 3, "2026-02-01") is None


def test_a_recall_that_outcomes_show_to_be_low_retrains_and_says_why(report_with):
    found, behind = realised([reviewed("2026-01-01", 10)], 3, "2026-02-01")
    report = report_with(recall_of_outcomes(found, behind, registered=0.8))
    decision = decide(report, 3, [], Monitoring())
    assert (decision.action, decision.causes) == ("retrain", ["recall"])
    [reason] = decision.reasons
    assert reason.replace("\N{NO-BREAK SPACE}", " ").startswith(
        "about 50 of 250 risky players up to players-2026-01-01 had been flagged, as outcomes of 150 reviewed players "
        "say: recall 20 % ["
    )


def test_a_recall_that_holds_is_no_signal(report_with):
    found, behind = realised([reviewed("2026-01-01", 0)], 3, "2026-02-01")
    report = report_with(recall_of_outcomes(found, behind, registered=0.8))
    assert not report.signals["recall"].beyond
