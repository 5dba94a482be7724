"""The rule that turns drift reports into a decision: no action, watch, or retrain, with the reasons in words.

A signal is raised in a period when it lies beyond its limit (more than stable snapshots show) and is at least as large
as `LEAST` says (large enough to matter). Then, in this order:

1. retrain: a signal that `monitoring.retrain_after` names has now been raised in so many periods in a row. But limits
   from chance alone (fewer than three past pairs of snapshots) never retrain: a window that begins on another weekday
   is enough for a classifier to pass them. Recall needs no such limit;
2. watch instead, while the last retraining was asked for within the last `cool_down` periods: its model may still be
   in training, or wait for approval;
3. watch: any signal is raised, or drift could not be measured;
4. no action otherwise.

A period is a cut-off at which a snapshot was scored. A row is one champion's own: another champion was trained on
another snapshot, and its records of the same cut-offs neither lengthen a row nor end it. A cool-down counts cut-offs.

Whatever the action: bounds were promised for players like those of training. As soon as one signal is beyond its
limit, however small, the promise does not carry over.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby, takewhile

from scarcegan import words
from scarcegan.evaluation.figures import Interval
from scarcegan.monitoring.drift import Action, DriftDecision, DriftReport, SignalSize, SignalState
from scarcegan.settings import Monitoring
from scarcegan.settings.operation_sections import SignalName

# Size from which a signal counts, however sure a smaller one is: among many players the least change is sure.
LEAST: Mapping[SignalName, float] = {
    "features": 0.05,  # share of the features beyond their limits
    "classifier": 0.6,  # AUC of a classifier that tells the snapshot's players from the reference's; 0.5 is chance
    "score": 0.05,  # largest distance of the distribution functions of the risk score
    "unknown_share": 0.05,  # change of the share of players whose most probable class is 'unknown'
    "recall": 0.05,  # how far recall, realised on labels that came later, is below the registered recall
}
NAMES: Mapping[SignalName, str] = {
    "features": "features",
    "classifier": "the classifier",
    "score": "risk scores",
    "unknown_share": "the share unknown",
    "recall": "realised recall",
}
BLIND_BELOW = 0.2  # distance of risk scores: where only larger ones would show, "nothing has moved" is little said
BOUNDS = "bounds promised at registration (recall, precision, flagged share)"


def decide(report: DriftReport, version: int, past: Sequence[DriftDecision], rule: Monitoring) -> DriftDecision:
    """Decide on the report of a snapshot that champion `version` has scored; earlier decisions come oldest first."""
    own = [decision for decision in past if decision.version == version]
    signals = {}
    for name, size in report.signals.items():
        # 0: never, as while nobody knows what is usual.
        retrain_after = rule.retrain_after.get(name, 0) if report.pairs or name == "recall" else 0
        signals[name] = _state(name, size, retrain_after, own)
    due = [name for name, state in signals.items() if 0 < state.retrain_after <= state.periods]
    # Over all champions, unlike a row: a retraining asked for under another one counts.
    resting = _cool_down(past, rule.cool_down)
    found = _found(report)
    reasons = [f"{found[name]}; {_row(state)}" for name, state in signals.items() if state.raised]
    if due and resting:
        reasons.append(resting)
    action: Action = "retrain" if due and not resting else "watch" if reasons else "no action"
    beyond = ", ".join(NAMES[name] for name in report.beyond)
    but = f"; beyond the limit but small: {beyond}" if beyond else ""
    if report.score.limit > BLIND_BELOW:
        among = report.words.counted(report.current.compared)
        but += f"; among {among} only a distance of risk scores above {words.score(report.score.limit)} would show"
    promise = f"{BOUNDS} do not carry over to {report.current.name} until a retraining; beyond the limit: {beyond}"
    return DriftDecision(
        action=action,
        reasons=reasons or [f"nothing that counts has moved since {report.reference.name}{but}"],
        causes=due if action == "retrain" else [],
        signals=signals,
        cutoff=report.current.cutoff,
        version=version,
        promise=promise if beyond else "",
    )


def cannot_measure(reason: str, cutoff: str, version: int) -> DriftDecision:
    """Watch, because drift could not be measured."""
    promise = f"nobody knows whether {BOUNDS} carry over to this snapshot"
    return DriftDecision("watch", [f"drift is not measured: {reason}"], [], {}, cutoff, version, promise)


def _state(name: SignalName, told: SignalSize, retrain_after: int, past: Sequence[DriftDecision]) -> SignalState:
    raised = told.beyond and told.size >= LEAST[name]
    # By cut-off: two snapshots of one cut-off are one period.
    cutoffs = groupby(reversed(past), key=lambda one: one.cutoff)
    before = [any(name in one.signals and one.signals[name].raised for one in period) for _, period in cutoffs]
    periods = 1 + len(list(takewhile(bool, before))) if raised else 0
    return SignalState(told.size, LEAST[name], raised, periods, retrain_after)


def _cool_down(past: Sequence[DriftDecision], periods: int) -> str:
    """Return why no retraining is asked for now, or nothing."""
    asked = {decision.cutoff for decision in past if decision.has_asked}
    cutoffs = sorted({decision.cutoff for decision in past}, reverse=True)
    for ago, cutoff in enumerate(cutoffs[:periods], start=1):
        if cutoff in asked:
            return (
                f"cool-down: a retraining was asked for at {cutoff}, {words.plural(ago, 'period')} ago; "
                f"no other within {words.plural(periods, 'period')}"
            )
    return ""


def _row(state: SignalState) -> str:
    """Say for how long a signal has been raised, and what follows."""
    then = f"retrains after {state.retrain_after}" if state.retrain_after else "only watched"
    return f"{words.plural(state.periods, 'period')} in a row, {then}"


def _found(report: DriftReport) -> dict[str, str]:
    """Say of each signal what was found."""
    their, moved = report.words, [feature.name for feature in report.features if feature.flagged]
    named = f"{', '.join(moved[:3])}{', ...' if len(moved) > 3 else ''}"
    classifier, score, unknown, recall = report.classifier, report.score, report.unknown_share, report.recall
    found = {
        "features": f"{len(moved)} of {len(report.features)} features moved beyond their limits ({named})",
        "classifier": f"a classifier tells these {their.rows} from those of {report.reference.name} "
        f"(AUC {words.score(classifier.auc, 3)}, limit {words.score(classifier.limit, 3)})",
        "score": f"risk scores moved (distance {words.score(score.ks, 3)}, limit {words.score(score.limit, 3)}): "
        f"flagged share {_from_to(score.before.flagged_share, score.now.flagged_share)}",
    }
    if unknown is not None:
        found["unknown_share"] = f"share unknown {_from_to(unknown.before, unknown.now)}"
    if recall is not None and recall.reviewed:
        found["recall"] = (
            f"about {words.count(recall.found)} of {words.count(recall.risky)} {their.rare} {their.rows} up to "
            f"{recall.snapshot} had been flagged, as outcomes of "
            f"{their.counted(recall.reviewed, 'reviewed')} "
            f"say: recall {words.share(recall)}; registered with {words.percent(recall.registered)}"
        )
    elif recall is not None:
        found["recall"] = (
            f"{words.count(recall.found)} of {their.counted(recall.risky)} of "
            f"{recall.snapshot} labelled {their.rare} since had been flagged: recall {words.share(recall)}; "
            f"registered with {words.percent(recall.registered)}"
        )
    return found


def _from_to(before: Interval, now: Interval) -> str:
    return f"{words.share(now)}, of the reference {words.share(before)}"
