"""Is it better than its rivals? In a number with its interval, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.intervals import interval
from scarcegan.evaluation.metrics import at_threshold, curve, recall_at_shares
from scarcegan.evaluation.scored import Scored


@dataclass(frozen=True)
class Rival:
    """Somebody else's scores of the same players: a baseline's, or the approved champion's."""

    name: str
    scored: Scored
    is_champion: bool = False


def judge(
    definition: str,
    ours: Scored,
    point: OperatingPoint,
    measures: dict[str, Any],
    rivals: Sequence[Rival],
    weights: np.ndarray,
) -> dict[str, Any]:
    """Judge a model against the strongest rival: the one that finds most at the model's own flagged share.

    Args:
        definition: name of the business definition.
        ours: the model's scores of the test players.
        point: the model's operating point.
        measures: the model's `measure` on the same players.
        rivals: to be compared with; perhaps none.
        weights: uint8 array [resamples, n] of `resample_weights`.

    Returns:
        `sentence`, `rival`, `difference` in recall with `low` and `high`, and `verdict`: 'better', 'worse' or
        'tie'; without rivals 'no rival', and None for rival and numbers. `champion`: the same four numbers and
        words against the champion alone; None without one.
    """
    share = measures["flagged_share"]["value"]
    found = [(_recall_at(rival.scored, share), rival) for rival in rivals]
    verdict: dict[str, Any] = {"rival": None, "difference": None, "low": None, "high": None, "verdict": "no rival"}
    if found:
        # Equals are settled as in the sentence below: the champion first, then by name.
        strongest = max(found, key=lambda one: (one[0], one[1].is_champion, one[1].name))[1]
        verdict = {"rival": strongest.name, **compare(ours, strongest.scored, point.threshold, weights)}
    champion = next((rival for rival in rivals if rival.is_champion), None)
    against = champion and compare(ours, champion.scored, point.threshold, weights)
    # Where the champion is the strongest rival, the sentence ends with the verdict against it.
    is_strongest = champion is not None and verdict["rival"] == champion.name
    called = _champion(against) if against and not is_strongest else "champion"
    named = [(called, recall) for recall, rival in found if rival.is_champion]
    baselines = [(recall, rival.name) for recall, rival in found if not rival.is_champion]
    named += [(f"best baseline {name}", recall) for recall, name in sorted(baselines)[-1:]]
    text = sentence(definition, measures["recall"], share, named, verdict, point.constraint_met)
    return {"sentence": text, **verdict, "champion": against}


def compare(ours: Scored, rival: Scored, threshold: float, weights: np.ndarray) -> dict[str, Any]:
    """Compare the recall of two scores of the same players at the flagged share of our threshold.

    The rival flags just as many as we do, in every resample; the same players are drawn for both.

    Args:
        ours: the model's scores.
        rival: the rival's scores of the same rows.
        threshold: the model's threshold.
        weights: uint8 array [resamples, n] of `resample_weights`.

    Returns:
        `difference` (ours - rival), its 95 % interval `low` and `high`, and the `verdict`: 'better' or 'worse'
        when the interval excludes 0, else 'tie'.
    """

    def gain(drawn: np.ndarray | None) -> np.ndarray:
        share = at_threshold(ours, threshold, drawn).flagged_share[:, None]
        found, by_rival = (recall_at_shares(curve(one, drawn), share)[:, 0] for one in (ours, rival))
        return found - by_rival

    found = interval(gain(None)[0], gain(weights))
    verdict = "better" if found["low"] > 0 else "worse" if found["high"] < 0 else "tie"
    return {"difference": found["value"], "low": found["low"], "high": found["high"], "verdict": verdict}


def sentence(
    definition: str,
    recall: dict[str, float],
    flagged_share: float,
    rivals: list[tuple[str, float]],
    verdict: dict[str, Any],
    constraint_met: bool,
) -> str:
    """Say the verdict in one sentence.

    Args:
        definition: name of the business definition.
        recall: the model's recall with `low` and `high`, at its threshold.
        flagged_share: share of players flagged at that threshold.
        rivals: (how to call it, its recall at that flagged share), for each rival worth naming.
        verdict: of `compare` against the strongest one, with its name as `rival`.
        constraint_met: whether validation data met the definition's constraint.
    """
    value, low, high = (f"{100 * recall[key]:.0f}" for key in ("value", "low", "high"))
    flagged = f"{100 * flagged_share:.2g}" if flagged_share < 0.1 else f"{100 * flagged_share:.0f}"
    parts = [f"`{definition}` finds {value} % [{low}, {high}] of risky players at {flagged} % flagged"]
    if not constraint_met:
        parts.append("its constraint could not be met on validation data")
    parts += [f"{name} {100 * found:.0f} %" for name, found in rivals]
    return f"{'; '.join(parts)}: {_judgement(verdict)}"


def _champion(against: dict[str, Any]) -> str:
    """Name the champion with the verdict against it."""
    return f"{against['verdict']} than the champion's" if against["verdict"] != "tie" else "tie with the champion's"


def _recall_at(scored: Scored, share: float) -> float:
    return float(recall_at_shares(curve(scored), np.array([[share]]))[0, 0])


def _judgement(verdict: dict[str, Any]) -> str:
    if verdict["verdict"] in ("tie", "no rival"):
        return str(verdict["verdict"])
    sign = 1 if verdict["verdict"] == "better" else -1
    low, high = sorted((sign * verdict["low"], sign * verdict["high"]))
    points = f"by {100 * sign * verdict['difference']:.1f} points [{100 * low:.1f}, {100 * high:.1f}]"
    if sign > 0:
        return f"better than {verdict['rival']} {points}"
    return f"{verdict['rival']} is better {points}"
