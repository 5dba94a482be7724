"""Where people have reviewed an audit sample, their outcomes tell the realised recall, and may retrain."""

from dataclasses import replace

import pytest
from monitoring_samples import report_of, sample, world

from scarcegan.monitoring.decision import decide
from scarcegan.monitoring.drift import RealisedRecall
from scarcegan.settings import Monitoring
from scarcegan.settings.words_section import Words


@pytest.fixture(scope="module")
def report_with():
    """A function: a drift report of players who have not moved, with such a realised recall."""
    same = sample(world(300, 1), name="first"), sample(world(300, 1), name="now")
    return lambda recall: report_of(*same, recall=recall)


def told(value, p):
    found = round(250 * value)
    return RealisedRecall("players-2026-01-01", 250, found, value, value / 2, 0.5 + value / 2, 0.8, p, reviewed=150)


def test_a_recall_that_outcomes_show_to_be_low_retrains_and_says_why(report_with):
    decision = decide(report_with(told(0.2, 0.001)), 3, [], Monitoring())
    assert (decision.action, decision.causes) == ("retrain", ["recall"])
    [reason] = decision.reasons
    assert reason.replace("\N{NO-BREAK SPACE}", " ").startswith(
        "about 50 of 250 risky players up to players-2026-01-01 had been flagged, as outcomes of 150 reviewed players "
        "say: recall 20 % ["
    )


def test_a_low_recall_is_told_in_the_words_of_the_team(report_with):
    report = replace(report_with(told(0.2, 0.001)), words=Words(row="company", rare="insolvent"))
    [reason] = decide(report, 3, [], Monitoring()).reasons
    assert "50 of 250 insolvent companies up to" in reason
    assert "outcomes of 150 reviewed companies say" in reason


def test_a_recall_that_few_reviews_leave_open_is_no_signal(report_with):
    assert not report_with(told(0.2, 0.2)).signals["recall"].beyond
