"""From decisions to labels: what reviewers settle on, since when, and how far they agree."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

import pandas as pd

from scarcegan.evaluation.intervals import share_of
from scarcegan.outcomes.records import Agreement
from scarcegan.settings import Outcomes
from scarcegan.settings.operation_sections import Meaning
from scarcegan.snapshots.store import ID

LABEL = "label"


def settled(outcomes: pd.DataFrame, rule: Outcomes) -> pd.DataFrame:
    """Return what the reviewers of each player and snapshot settle on, one row each; empty where they don't.

    The latest decision of each reviewer counts. A label is what most of those who have decided say, if at least
    `outcomes.agreeing` do; a tie is none, and who is undecided has no vote. For what was known by a day, give the
    outcomes up to it. Columns: player_id, snapshot, label ('risky', 'harmless' or ''), known_at (since when it has been
    settled so, without a break), reviewers (how many have decided).
    """
    rows = []
    meanings = outcomes.assign(meaning=outcomes["decision"].map(rule.decisions)).dropna(subset=["meaning"])
    for (player, snapshot), events in meanings.groupby([ID, "snapshot"], sort=True):
        moments = zip(events["when"], events["reviewer"], events["meaning"], strict=True)
        rows.append((player, snapshot, *_settled(moments, rule.agreeing)))
    table = pd.DataFrame(rows, columns=[ID, "snapshot", LABEL, "known_at", "reviewers"])
    return table.astype({"known_at": "datetime64[us, UTC]"})


def without_meaning(outcomes: pd.DataFrame, rule: Outcomes) -> list[str]:
    """Say which decisions count for nothing, as the settings do not know them any more; empty if there are none."""
    unknown = outcomes.loc[~outcomes["decision"].isin(rule.decisions), "decision"]
    told = ", ".join(f"'{name}' ({count})" for name, count in sorted(unknown.value_counts().items()))
    return [f"Outcomes count for nothing whose decision outcomes.decisions does not know: {told}."] if told else []


def agreement(outcomes: pd.DataFrame, rule: Outcomes) -> list[Agreement]:
    """Compare the latest decisions of each two reviewers on the players whom both have reviewed, most players first."""
    latest = outcomes.assign(meaning=outcomes["decision"].map(rule.decisions)).dropna(subset=["meaning"])
    latest = latest.drop_duplicates([ID, "snapshot", "reviewer"], keep="last")
    by_reviewer = {str(name): rows.set_index([ID, "snapshot"])["meaning"] for name, rows in latest.groupby("reviewer")}
    found = []
    for one, other in combinations(sorted(by_reviewer), 2):
        both = pd.concat([by_reviewer[one], by_reviewer[other]], axis=1, join="inner").to_numpy(str)
        if len(both):
            alike = int((both[:, 0] == both[:, 1]).sum())
            found.append(Agreement((one, other), len(both), alike, share_of(alike, len(both)), _kappa(*both.T)))
    return sorted(found, key=lambda pair: -pair.players)


def _settled(
    events: Iterable[tuple[pd.Timestamp, str, Meaning]], agreeing: int
) -> tuple[str, pd.Timestamp | None, int]:
    """Go through a player's decisions by time; return the label that holds in the end, since when, and of how many."""
    latest: dict[str, Meaning] = {}
    label, since = "", None
    for when, reviewer, meaning in events:
        latest[reviewer] = meaning
        now = _majority(latest.values(), agreeing)
        if now != label:
            label, since = now, when
    return label, since if label else None, len(latest)


def _majority(meanings: Iterable[Meaning], agreeing: int) -> str:
    votes = Counter[str](meanings)
    first, second = sorted(("risky", "harmless"), key=lambda name: -votes[name])
    return first if votes[first] > votes[second] and votes[first] >= agreeing else ""


def _kappa(one: pd.Series, other: pd.Series) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    if len({*one, *other}) < 2:  # agreement by chance would be certain: kappa is 0 / 0
        return None
    return float(cohen_kappa_score(one, other))
