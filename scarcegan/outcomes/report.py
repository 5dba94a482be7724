"""What outcomes teach of each champion: prevalence, precision and recall in production, and how soon people confirm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from scarcegan.outcomes.consensus import LABEL, settled, without_meaning
from scarcegan.outcomes.estimates import Sample, precision, prevalence, recall
from scarcegan.outcomes.lists import STRATUM, ReviewedList, review_lists, sample_of, with_labels
from scarcegan.outcomes.records import OutcomeReport, Production
from scarcegan.outcomes.store import OutcomeStore
from scarcegan.settings import Settings
from scarcegan.snapshots.store import ID


@dataclass(frozen=True)
class Reviewed:
    """A list with what reviewers settled on beside its rows."""

    about: ReviewedList
    rows: pd.DataFrame

    @property
    def is_sampled(self) -> bool:
        """Whether labels of the top and of the audit sample are there: only then they stand for everyone."""
        labelled = self.rows.loc[self.rows[LABEL] != "", STRATUM]
        return bool((labelled == 0).any() and (labelled > 0).any())

    def sample(self, *, by_flag: bool) -> Sample:
        """Return those of whom it is settled what they are, weighted."""
        about = self.about
        return sample_of(self.rows, players=about.players, flagged=about.flagged, by_flag=by_flag)


def outcome_report(store: OutcomeStore, settings: Settings, registered: Mapping[int, float]) -> OutcomeReport:
    """Tell what all outcomes of a registry group teach; `registered` is the recall that each version promised."""
    outcomes = store.table()
    labels = settled(outcomes, settings.outcomes)
    lists = reviewed_lists(labels, settings, store.group)
    first_listed = _first_listed(lists)

    def told(chosen: Sequence[Reviewed]) -> Production:
        return production(chosen, first_listed, registered.get(chosen[0].about.model.version))

    by_version = sorted(lists, key=lambda one: one.about.model.version)
    champions = [list(own) for _, own in groupby(by_version, key=lambda one: one.about.model.version)]
    return OutcomeReport(
        group=store.group,
        outcomes=len(outcomes),
        reviewers=outcomes["reviewer"].nunique(),
        settled=int((labels[LABEL] != "").sum()),
        undecided=int((labels[LABEL] == "").sum()),
        champions=[told(own) for own in champions],
        periods=[told([one]) for one in lists],
        words=settings.words,
        without_meaning=without_meaning(outcomes, settings.outcomes),
    )


def reviewed_lists(labels: pd.DataFrame, settings: Settings, group: str) -> list[Reviewed]:
    """Return the lists that have labels, the earliest first; of one snapshot and version the one with most labels.

    A snapshot that was scored twice by the same model has two lists of the same players.
    """
    found = review_lists(settings.own_scoring, group, labels["snapshot"].unique().tolist())
    lists = [Reviewed(one, with_labels(one.rows(), labels, one.snapshot.name)) for one in found]
    best: dict[tuple[str, int], Reviewed] = {}
    for one in lists:
        key = (one.about.snapshot.name, one.about.model.version)
        best[key] = max(one, best.get(key, one), key=lambda each: int((each.rows[LABEL] != "").sum()))
    return [one for one in best.values() if (one.rows[LABEL] != "").any()]


def pooled(lists: Sequence[Reviewed], *, by_flag: bool) -> Sample:
    """Join the samples of several lists [n > 0]; a player of two of them counts twice, as among all players."""
    return joined([one.sample(by_flag=by_flag) for one in lists])


def joined(samples: Sequence[Sample]) -> Sample:
    """Join samples of different players into one of all."""
    weight, is_risky, is_shown = (
        np.concatenate([getattr(one, name) for one in samples]) for name in ("weight", "is_risky", "is_shown")
    )
    return Sample(weight, is_risky, is_shown, sum(one.players for one in samples), sum(one.shown for one in samples))


def production(
    lists: Sequence[Reviewed], first_listed: Mapping[str, pd.Timestamp], registered: float | None
) -> Production:
    """Tell what the labels on one or more lists [n > 0] of one version say of it."""
    # A list of whose audit sample nobody is reviewed yet says nothing of everyone, but of the precision.
    sampled = [one for one in lists if one.is_sampled] or lists
    top, flagged = (pooled(sampled, by_flag=by_flag) for by_flag in (False, True))
    rows = pd.concat([one.rows for one in lists])
    is_top, is_labelled, is_risky = rows[STRATUM] == 0, rows[LABEL] != "", rows[LABEL] == "risky"
    found, at_threshold = (one.interval() if (one := recall(sample)) else None for sample in (top, flagged))
    about = lists[0].about
    return Production(
        version=about.model.version,
        definition=about.model.definition,
        snapshots=[one.about.snapshot.name for one in lists],
        cutoffs=[one.about.snapshot.cutoff for one in lists],
        players=sum(one.about.players for one in lists),
        listed=int(is_top.sum()),
        reviewed=int((is_top & is_labelled).sum()),
        drawn=int((~is_top).sum()),
        drawn_reviewed=int((~is_top & is_labelled).sum()),
        risky=rows.loc[is_risky, ID].nunique(),
        prevalence=prevalence(top),
        precision=precision(pooled(lists, by_flag=False)),
        recall=found,
        precision_flagged=precision(pooled(lists, by_flag=True)),
        recall_flagged=at_threshold,
        recall_registered=registered,
        days_to_confirm=_days(rows[is_risky], first_listed),
        seen_once=int((~is_top & is_risky & (rows["reviewers"] == 1)).sum()),
        cannot_tell=_missing(top),
    )


def _missing(top: Sample) -> str:
    if top.is_shown.all():
        return "nobody of the audit sample has a label yet: prevalence and recall cannot be told"
    if not top.is_shown.any():
        return "nobody of the list's top has a label yet: precision and recall cannot be told"
    return "" if top.is_risky.any() else "nobody was found risky yet: recall cannot be told"


def _first_listed(lists: Sequence[Reviewed]) -> dict[str, pd.Timestamp]:
    """Return the cut-off at which each player was listed first, over all versions."""
    first: dict[str, pd.Timestamp] = {}
    for one in sorted(lists, key=lambda each: each.about.snapshot.cutoff):
        for player in one.rows[ID]:
            first.setdefault(player, pd.Timestamp(one.about.snapshot.cutoff, tz="UTC"))
    return first


def _days(risky: pd.DataFrame, first_listed: Mapping[str, pd.Timestamp]) -> float | None:
    known = risky.sort_values("known_at").drop_duplicates(ID)
    waited = (known["known_at"] - known[ID].map(first_listed)).dt.total_seconds()
    # East of UTC the day has begun before: nobody is confirmed before being listed.
    return float(waited.clip(lower=0).median() / 86_400) if len(waited) else None
