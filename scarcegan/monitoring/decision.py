"""The rule that turns drift reports into a decision: no action, watch, or retrain, with the reasons in words.

Each signal of `[monitoring.signals]` is raised in a period when it lies beyond its limit (more than stable snapshots
show) and is at least `least` large (large enough to matter). Then, in this order:

1. retrain: a raised signal with `retrain_after` > 0 has now been raised in so many periods in a row. But limits from
   chance alone (fewer than three past pairs of snapshots) never retrain: a window that begins on another weekday is
   enough for a classifier to pass them. Recall needs no such limit;
2. watch instead, while the last retraining was asked for within the last `cool_down` periods: its model may still be
   in training, or wait for approval;
3. watch: any signal is raised, or drift could not be measured;
4. no action otherwise.

A period is a cut-off at which a snapshot was scored. A row is one champion's own: another champion was trained on
another snapshot, and its records of the same cut-offs neither lengthen a row nor end it. A cool-down counts cut-offs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from scarcegan.settings import Monitoring, Signal

Action = Literal["no action", "watch", "retrain"]


class SignalState(TypedDict):
    """One signal in this period: its size, whether it is raised, and for how many periods in a row."""

    size: float
    least: float
    raised: bool
    periods: int
    retrain_after: int


class Decision(TypedDict):
    """What follows from a drift report; `causes` names the signals behind a retraining."""

    action: Action
    reasons: list[str]
    causes: list[str]
    signals: dict[str, SignalState]
    cutoff: str
    version: int


def decide(report: Mapping[str, Any], version: int, past: Sequence[Decision], rule: Monitoring) -> Decision:
    """Decide on a drift report.

    Args:
        report: from `scarcegan.monitoring.report.drift_report`.
        version: of the champion that scored this snapshot.
        past: earlier periods' decisions, oldest first.
        rule: `[monitoring]`.
    """
    own = [decision for decision in past if decision["version"] == version]
    signals = {name: _state(name, told, _usable(name, report, rule), own) for name, told in report["signals"].items()}
    due = [name for name, state in signals.items() if 0 < state["retrain_after"] <= state["periods"]]
    resting = _cool_down(past, rule.cool_down)
    reasons = [_words(name, report, state) for name, state in signals.items() if state["raised"]]
    if due and resting:
        reasons.append(resting)
    action: Action = "retrain" if due and not resting else "watch" if reasons else "no action"
    return {
        "action": action,
        "reasons": reasons or [_calm(report)],
        "causes": due if action == "retrain" else [],
        "signals": signals,
        "cutoff": report["current"]["cutoff"],
        "version": version,
    }


def cannot_measure(reason: str, cutoff: str, version: int) -> Decision:
    """Watch, because drift could not be measured."""
    return {
        "action": "watch",
        "reasons": [f"drift is not measured: {reason}"],
        "causes": [],
        "signals": {},
        "cutoff": cutoff,
        "version": version,
    }


def _usable(name: str, report: Mapping[str, Any], rule: Monitoring) -> Signal:
    """Return the rule for a signal; it only watches while nobody knows what is usual."""
    signal: Signal = getattr(rule.signals, name)
    known = report["pairs"] > 0 or name == "recall"
    return signal if known else signal.model_copy(update={"retrain_after": 0})


def _state(name: str, told: Mapping[str, Any], signal: Signal, past: Sequence[Decision]) -> SignalState:
    raised = told["beyond"] and told["size"] >= signal.least
    periods = int(raised)
    for decision in reversed(past if raised else []):
        before = decision["signals"].get(name)
        if before is None or not before["raised"]:
            break
        periods += 1
    return {
        "size": told["size"],
        "least": signal.least,
        "raised": raised,
        "periods": periods,
        "retrain_after": signal.retrain_after,
    }


def _cool_down(past: Sequence[Decision], periods: int) -> str:
    """Return why no retraining is asked for now, or nothing."""
    asked = {decision["cutoff"] for decision in past if decision["action"] == "retrain"}
    cutoffs = sorted({decision["cutoff"] for decision in past}, reverse=True)
    for ago, cutoff in enumerate(cutoffs[:periods], start=1):
        if cutoff in asked:
            return (
                f"cool-down: a retraining was asked for at {cutoff}, {_plural(ago, 'period')} ago; "
                f"no other within {_plural(periods, 'period')}"
            )
    return ""


def _words(name: str, report: Mapping[str, Any], state: SignalState) -> str:
    after = state["retrain_after"]
    row = f"{_plural(state['periods'], 'period')} in a row"
    return f"{_TOLD[name](report)}; {row}, {f'retrains after {after}' if after else 'only watched'}"


def _features(report: Mapping[str, Any]) -> str:
    moved = [row["name"] for row in report["features"] if row["flagged"]]
    more = ", ..." if len(moved) > 3 else ""
    return (
        f"{len(moved)} of {len(report['features'])} features moved beyond their limits ({', '.join(moved[:3])}{more})"
    )


def _classifier(report: Mapping[str, Any]) -> str:
    told = report["classifier"]
    return (
        f"a classifier tells these players from those of {report['reference']['name']} "
        f"(AUC {told['auc']:.3f}, limit {told['limit']:.3f})"
    )


def _score(report: Mapping[str, Any]) -> str:
    told = report["score"]
    return (
        f"risk scores moved (distance {told['ks']:.3f}, limit {told['limit']:.3f}): {told['flagged_now']:.2%} are "
        f"flagged, {told['flagged_before']:.2%} of the reference"
    )


def _unknown(report: Mapping[str, Any]) -> str:
    told = report["unknown_share"]
    return f"the share 'unknown' went from {told['before']:.1%} to {told['now']:.1%}"


def _recall(report: Mapping[str, Any]) -> str:
    told = report["recall"]
    return (
        f"of {told['risky']} players of {told['snapshot']} labelled risky since, {told['value']:.0%} had been flagged; "
        f"promised were {told['promised']:.0%}"
    )


_TOLD = {
    "features": _features,
    "classifier": _classifier,
    "score": _score,
    "unknown_share": _unknown,
    "recall": _recall,
}


def _calm(report: Mapping[str, Any]) -> str:
    small = f"; beyond chance but small: {', '.join(report['flags'])}" if report["flags"] else ""
    return f"nothing that counts has moved since {report['reference']['name']}{small}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
