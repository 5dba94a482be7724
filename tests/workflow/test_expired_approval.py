"""Scoring warns of an approval that has expired, and refuses once the time of grace is over."""

from datetime import date

import pytest

from scarcegan.problems import RegistryProblem
from scarcegan.registry import rules
from scarcegan.workflow.scoring.plan import plan_scoring

pytestmark = pytest.mark.usefixtures("snapshot")


@pytest.mark.parametrize("version", [None, 1])
def test_an_expired_approval_is_warned_of_then_refused(scoring, registry, champion, monkeypatch, version):
    def plan_on(day):
        monkeypatch.setattr(rules, "today", lambda: day)
        return plan_scoring(scoring, registry, "balanced", version, None, "ScoreFlow/21")

    monkeypatch.setattr(rules, "today", lambda: date(2099, 1, 1))
    registry.approve(champion.version, who="rita", why="for a year", until="2099-12-31")
    assert plan_on(date(2099, 12, 31)).expired == ""
    told = plan_on(date(2100, 1, 10)).expired
    assert "the approval of version 1 (balanced) has expired on 2099-12-31; scoring refuses it in 21 days" in told
    with pytest.raises(RegistryProblem, match="approve it again"):
        plan_on(date(2100, 1, 31))
    registry.approve(champion.version, who="rita", why="looked at again", until="2100-12-31")
    assert plan_on(date(2100, 1, 31)).expired == ""
