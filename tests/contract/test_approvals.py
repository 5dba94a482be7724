"""Who approves is known and has not launched the run; an approval may end; each decision is told with its change."""

from datetime import date

import pytest

from scarcegan.cli import models
from scarcegan.problems import RegistryProblem
from scarcegan.registry import rules
from scarcegan.settings import Settings

TODAY = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def day(monkeypatch):
    """Let the test say which day it is."""

    def set_day(day):
        monkeypatch.setattr(rules, "today", lambda: day)

    set_day(TODAY)
    return set_day


@pytest.fixture
def launched(registry, make_release):
    """Register the release of a run that somebody has launched."""

    def register(by, run="11"):
        return registry.register_release(make_release(run, metadata={"launched_by": by} if by else {"card": "e/7"}))

    return register


def test_an_identity_goes_with_every_decision_beside_what_was_typed(registry, make_release, reviewer):
    registry.register_release(make_release())
    registry.approve(1, 2, **reviewer)
    registry.reject(1, **reviewer)
    known = registry.identity()
    assert known not in ("", "rita")
    assert [(event.who, event.identity) for event in registry.events(1)] == [("rita", known)] * 2
    assert [(one.decided_by, one.decided_as) for one in registry.versions()[:3]] == [("rita", known)] * 2 + [("", "")]


def test_four_eyes_refuse_the_approver_who_has_launched_the_run_even_by_force(registry, launched, reviewer):
    launched(registry.identity())
    registry.four_eyes = True
    for force in (False, True):
        with pytest.raises(RegistryProblem, match="version 2 is of RetrainFlow/11, launched by the same"):
            registry.approve(2, **reviewer, force=force)
    assert registry.events(2) == []
    registry.reject(2, **reviewer)
    registry.four_eyes = False
    assert registry.approve(2, **reviewer)[0].is_champion


def test_four_eyes_refuse_a_run_of_which_nobody_knows_who_launched_it(registry, launched, reviewer):
    launched("")
    registry.four_eyes = True
    with pytest.raises(RegistryProblem, match="launched by somebody that the registry does not know"):
        registry.approve(1, **reviewer)


def test_four_eyes_let_somebody_else_approve(registry, launched, reviewer):
    launched("omar")
    registry.four_eyes = True
    assert registry.approve(1, **reviewer)[0].status == "Approved"


def test_with_four_eyes_scoring_gets_a_champion_that_somebody_else_has_approved_on_record(registry, launched, reviewer):
    launched("omar")
    registry.approve(4, **reviewer)
    registry.four_eyes = True
    assert registry.require_champion("balanced").version == 4
    registry.four_eyes = False
    launched(registry.identity(), run="12")
    own = registry.approve(8, **reviewer)[0]
    assert registry.require_champion("balanced").version == 8
    registry.four_eyes = True
    for ask in (lambda: registry.require_champion("balanced"), lambda: registry.require_approver(own)):
        with pytest.raises(RegistryProblem, match=r"version 8 \(balanced\), approved by .*scarcegan models approve 8"):
            ask()
    registry.reject(8, **reviewer)
    assert registry.require_champion("balanced").version == 4


def test_an_approval_holds_until_the_day_that_is_asked_for_or_for_the_days_of_the_settings(
    registry, make_release, reviewer
):
    registry.register_release(make_release())
    registry.approval_days = 90
    registry.approve(1, **reviewer)
    registry.approve(2, **reviewer, until="2026-12-31")
    registry.approval_days = 0
    registry.approve(3, **reviewer)
    assert [one.approved_until for one in registry.versions()] == ["2026-05-30", "2026-12-31", "", ""]
    assert registry.events(2)[0].until == "2026-12-31"


@pytest.mark.parametrize("until", ["2026-02-28", "soon", "31.12.2026"])
def test_a_day_that_has_passed_or_is_none_is_refused(registry, make_release, reviewer, until):
    registry.register_release(make_release())
    with pytest.raises(RegistryProblem, match="from 2026-03-01 on"):
        registry.approve(1, **reviewer, until=until)
    assert registry.events(1) == []


def test_an_expired_approval_is_warned_of_for_a_time_then_refused(registry, make_release, reviewer, day):
    registry.register_release(make_release())
    version = registry.approve(1, **reviewer, until="2026-03-31")[0]
    told = []
    for today in (date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 30)):
        day(today)
        told.append(rules.check_expiry(version, 0, 30))
    assert told[0] == ""
    assert "has expired on 2026-03-31; scoring refuses it in 30 days: approve it again" in told[1]
    assert "in 1 days" in told[2]
    day(date(2026, 5, 1))
    with pytest.raises(RegistryProblem, match="scarcegan models approve 1 --reason"):
        rules.check_expiry(version, 0, 30)
    again = registry.approve(1, **reviewer, until="2026-12-31")[0]
    assert rules.check_expiry(again, 0, 30) == ""


def test_an_approval_without_a_day_of_its_own_expires_by_the_settings_as_one_given_in_the_console(
    registry, make_release, reviewer, day
):
    registry.register_release(make_release())
    version = registry.approve(1, **reviewer)[0]
    day(date.fromisoformat(version.decided_at[:10]).replace(year=2099))
    assert rules.check_expiry(version, 0, 30) == ""
    with pytest.raises(RegistryProblem, match="has expired"):
        rules.check_expiry(version, 90, 30)


def test_what_is_rehearsed_shows_what_would_be_and_changes_nothing(registry, make_release, reviewer):
    registry.register_release(make_release("11"))
    registry.approve(1, 2, 3, 4, **reviewer)
    registry.register_release(make_release("12"))
    before = registry.versions()
    tried = registry.rehearsal()
    tried.approve(7, 8, **reviewer)
    told = tried.versions()
    assert registry.versions() == before
    registry.approve(7, 8, **reviewer)
    decided = ("status", "is_champion", "decided_by", "decided_as", "approved_until", "reason")
    for one, other in zip(told, registry.versions(), strict=True):
        assert [getattr(one, name) for name in decided] == [getattr(other, name) for name in decided]
    again = registry.rehearsal()
    assert [one.version for one in again.rollback(**reviewer)] == [1, 2, 3, 4]
    assert [one.version for one in registry.rollback(**reviewer)] == [1, 2, 3, 4]


def test_a_rehearsal_refuses_what_the_registry_would(registry, launched, reviewer):
    launched(registry.identity())
    registry.four_eyes = True
    with pytest.raises(RegistryProblem, match="four_eyes"):
        registry.rehearsal().approve(1, **reviewer)
    with pytest.raises(RegistryProblem, match="got none"):
        registry.rehearsal().rollback(**reviewer)


def test_all_decisions_are_told_in_order_with_what_they_changed(registry, make_release, reviewer):
    registry.register_release(make_release("11"))
    registry.approve(3, 4, **reviewer)
    registry.register_release(make_release("12"))
    registry.approve(8, **reviewer, until="2026-12-31", force=True)
    registry.rollback(who="omar", why="flags everybody")
    told = registry.decisions()
    assert [(one.version, one.decision, one.status_before) for one in told] == [
        (3, "Approved", "PendingManualApproval"),
        (4, "Approved", "PendingManualApproval"),
        (8, "Approved", "PendingManualApproval"),
        (8, "Rejected", "Approved"),
    ]
    assert [(one.champion_before, one.champion_after) for one in told] == [(None, 3), (None, 4), (4, 8), (8, 4)]
    last = told[3]
    assert (last.who, last.why, last.definition, last.release_id, last.group) == (
        *("omar", "flags everybody", "balanced", "release-12", registry.group),
    )
    assert (told[2].until, told[2].forced, last.identity) == ("2026-12-31", True, registry.identity())


def test_a_registry_without_decisions_tells_none(registry, make_release):
    assert registry.decisions() == []
    registry.register_release(make_release())
    assert registry.decisions() == []


def test_only_what_is_decided_now_is_told(registry, make_release, reviewer, monkeypatch):
    told = []
    monkeypatch.setattr("scarcegan.notices.tell", lambda _, notice: told.append(notice.told))
    registry.register_release(make_release())
    registry.approve(1, **reviewer)
    registry.approve(2, **reviewer)
    models._decided(Settings(), registry, lambda at: at.approve(1, **reviewer))
    assert "version 1 (" in told[0]
    assert "version 2 (" not in told[0]
