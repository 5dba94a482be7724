"""The rule as a table of cases: what was raised in earlier periods, what now, and what follows."""

from dataclasses import replace

import pytest
from monitoring_samples import report_of, sample, world

from scarcegan.evaluation.figures import Interval
from scarcegan.monitoring.decision import LEAST, cannot_measure, decide
from scarcegan.monitoring.drift import RealisedRecall, SignalSize, UnknownDrift
from scarcegan.monitoring.measures import scored_players
from scarcegan.settings import Monitoring

RULE = Monitoring(cool_down=2, retrain_after={"classifier": 2, "score": 3, "recall": 1})
# A report of nothing but the figures that reasons are told with.
REAL = report_of(sample(world(300, 1), name="first"), sample(world(300, 2), name="now"))
FEATURES = [replace(REAL.features[0], name=f"f{number}", flagged=number < 4) for number in range(10)]
NOW = scored_players(3_000, 102, 600, [])
REPORT = replace(
    REAL,
    pairs=6,
    features=FEATURES,
    classifier=replace(REAL.classifier, auc=0.9, limit=0.51),
    score=replace(REAL.score, ks=0.08, limit=0.02, before=scored_players(3_000, 30, 300, []), now=NOW),
    unknown_share=UnknownDrift(before=Interval(0.1, 0.09, 0.11), now=Interval(0.2, 0.19, 0.21), limit=0.01),
    recall=RealisedRecall("before", risky=40, found=10, value=0.25, low=0.14, high=0.4, registered=0.5, p=0.01),
)


def report_with(raised="", beyond="", period=9):
    """A report in which the signals raised are large, and those only beyond their limits are small."""
    signals = {
        name: SignalSize(1.5 * least if name in raised.split() else 0.5 * least, name in f"{raised} {beyond}".split())
        for name, least in LEAST.items()
    }
    return replace(REPORT, signals=signals, current=replace(REPORT.current, cutoff=f"2026-01-{period:02d}"))


def history(*periods, rule=RULE):
    """Decisions of earlier periods, one string of raised signals each; `v2:` in front: scored by version 2."""
    past = []
    for period, told in enumerate(periods, start=1):
        version, raised = (2, told[3:]) if told.startswith("v2:") else (1, told)
        past.append(decide(report_with(raised, period=period), version, past, rule))
    return past


CASES = [
    # earlier periods, oldest first | raised now | action | what is due
    ([], "", "no action", []),
    (["classifier"], "", "no action", []),
    ([], "features", "watch", []),
    (["features"] * 5, "features", "watch", []),
    (["unknown_share"] * 5, "unknown_share features", "watch", []),
    ([], "classifier", "watch", []),
    (["classifier"], "classifier", "retrain", ["classifier"]),
    (["classifier", ""], "classifier", "watch", []),
    (["score"], "score", "watch", []),
    (["score", "score"], "score", "retrain", ["score"]),
    (["score", "classifier"], "score classifier", "retrain", ["classifier"]),
    (["score", "classifier score"], "score classifier", "retrain", ["classifier", "score"]),
    ([], "recall", "retrain", ["recall"]),
    (["recall"], "recall", "watch", []),
    (["recall", "recall"], "recall", "watch", []),
    (["recall", "recall", "recall"], "recall", "retrain", ["recall"]),
    (["recall", ""], "", "no action", []),
    (["v2:classifier"], "classifier", "watch", []),
    (["v2:recall"], "recall", "watch", []),
    (["classifier", "v2:classifier"], "classifier", "retrain", ["classifier"]),
    (["classifier", "v2:", ""], "classifier", "watch", []),
]


@pytest.mark.parametrize(("earlier", "now", "action", "causes"), CASES)
def test_the_rule(earlier, now, action, causes):
    decision = decide(report_with(now), 1, history(*earlier), RULE)
    assert (decision.action, decision.causes) == (action, causes)


def test_a_cut_off_that_another_version_scored_as_well_does_not_end_a_row():
    """A new champion scores the newest snapshot again; records come by name, and 'v10' is before 'v9'."""
    past = [decide(report_with("classifier", period=1), version, [], RULE) for version in (10, 9)]
    assert decide(report_with("classifier", period=2), 10, past, RULE).causes == ["classifier"]


def test_a_cut_off_scored_by_several_versions_is_one_period_of_rest():
    past = [decide(report_with("recall" * (version == 1), period=1), version, [], RULE) for version in (1, 2, 3)]
    assert decide(report_with("recall", period=2), 3, past, RULE).action == "watch"


def test_what_is_sure_but_small_is_no_signal():
    decision = decide(report_with(beyond="classifier score"), 1, [], RULE)
    assert decision.action == "no action"
    assert decision.reasons == [
        "nothing that counts has moved since first; beyond the limit but small: the classifier, risk scores"
    ]


def test_where_few_players_hide_all_but_the_largest_shifts_the_decision_says_so():
    few = replace(REPORT.current, players=3, compared=3)
    report = replace(report_with(), current=few, score=replace(REPORT.score, limit=0.784))
    assert decide(report, 1, [], RULE).reasons == [
        "nothing that counts has moved since first; "
        "among 3 players only a distance of risk scores above 0.78 would show"
    ]


def test_what_is_large_but_within_its_limit_is_no_signal():
    report = report_with()
    signals = {**report.signals, "classifier": SignalSize(0.9, beyond=False)}
    assert decide(replace(report, signals=signals), 1, [], RULE).action == "no action"


def test_limits_of_chance_alone_only_watch_but_recall_retrains():
    """A window that begins on another weekday passes them: nobody knows yet what is usual."""
    past = history("classifier")
    assert decide(replace(report_with("classifier"), pairs=0), 1, past, RULE).action == "watch"
    assert decide(replace(report_with("recall"), pairs=0), 1, [], RULE).causes == ["recall"]


def test_without_cool_down_each_period_may_retrain():
    eager = RULE.model_copy(update={"cool_down": 0})
    assert [decision.action for decision in history("recall", "recall", rule=eager)] == ["retrain", "retrain"]


def test_a_retraining_is_explained_in_words():
    decision = decide(report_with("classifier recall features score unknown_share"), 1, history("classifier"), RULE)
    assert [reason.replace("\N{NO-BREAK SPACE}", " ") for reason in decision.reasons] == [
        "4 of 10 features moved beyond their limits (f0, f1, f2, ...); 1 period in a row, only watched",
        "a classifier tells these players from those of first (AUC 0.900, limit 0.510); 2 periods in a row, retrains "
        "after 2",
        "risk scores moved (distance 0.080, limit 0.020): flagged share 3.4 % [2.8, 4.1], of the reference 1.0 % "
        "[0.7, 1.4]; 1 period in a row, retrains after 3",
        "share unknown 20.0 % [19.0, 21.0], of the reference 10 % [9, 11]; 1 period in a row, only watched",
        "10 of 40 players of before labelled risky since had been flagged: recall 25 % [14, 40]; registered with "
        "50 %; 1 period in a row, retrains after 1",
    ]


@pytest.mark.parametrize("signals", [{"raised": "classifier"}, {"beyond": "score"}])
def test_as_soon_as_a_signal_is_beyond_its_limit_the_promise_does_not_carry_over(signals):
    promise = decide(report_with(**signals), 1, [], RULE).promise
    assert promise.startswith("bounds promised at registration (recall, precision, flagged share) do not carry over")
    assert "to now until a retraining" in promise
    assert decide(report_with(), 1, [], RULE).promise == ""


def test_two_snapshots_of_one_cut_off_are_one_period():
    past = [decide(report_with("classifier", period=1), 1, [], RULE)] * 2
    assert decide(report_with("classifier", period=2), 1, past, RULE).signals["classifier"].periods == 2


def test_a_retraining_asked_for_by_a_replaced_decision_still_rests():
    past = [replace(decide(report_with(period=1), 1, [], RULE), asked_before=True)]
    assert decide(report_with("recall", period=2), 1, past, RULE).action == "watch"


def test_a_cool_down_is_explained_in_words():
    decision = decide(report_with("recall", period=3), 1, history("recall", ""), RULE)
    assert decision.reasons[-1] == (
        "cool-down: a retraining was asked for at 2026-01-01, 2 periods ago; no other within 2 periods"
    )


def test_where_nothing_can_be_measured_a_person_should_look():
    decision = cannot_measure("the champion names no snapshot", "2026-02-01", 3)
    assert (decision.action, decision.version) == ("watch", 3)
    assert decision.reasons == ["drift is not measured: the champion names no snapshot"]
    assert decision.promise.startswith("nobody knows whether bounds promised at registration")
    assert decide(report_with("classifier"), 3, [decision], RULE).signals["classifier"].periods == 1


def test_a_real_report_is_decided_on():
    before, now = world(3_000, 1), world(3_000, 2)
    now[:, :6] *= 1.5
    report = report_of(sample(before), sample(now, cutoff="2026-02-01"))
    first = decide(report, 1, [], RULE)
    assert first.action == "watch"
    assert decide(replace(report, pairs=6), 1, [first], RULE).causes == ["classifier"]
