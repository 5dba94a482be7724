"""The recall that reviewers' outcomes tell of a champion, for the watch of the snapshot that it has scored next."""

from scarcegan.monitoring.drift import RealisedRecall
from scarcegan.outcomes.consensus import settled
from scarcegan.outcomes.estimates import recall
from scarcegan.outcomes.report import pooled, reviewed_lists
from scarcegan.outcomes.store import open_outcomes
from scarcegan.registry import ModelVersion
from scarcegan.settings import Settings


def recall_of_outcomes(version: ModelVersion, before: str, settings: Settings) -> RealisedRecall | None:
    """Estimate a version's recall at its threshold on all its lists of cut-offs before a day (ISO).

    None where nobody of an audit sample has a label, or the release was registered without a recall.

    Raises:
        DataProblem: outcomes or scores cannot be read.
    """
    registered = version.metrics.get("recall")
    labels = settled(open_outcomes(settings.outcomes, version.group).table(), settings.outcomes)
    lists = [
        one
        for one in reviewed_lists(labels, settings, version.group)
        if one.about.model.version == version.version and one.about.snapshot.cutoff < before and one.is_sampled
    ]
    sample = pooled(lists, by_flag=True) if lists else None
    found = recall(sample) if sample else None
    if sample is None or found is None or registered is None:
        return None
    interval = found.interval()
    return RealisedRecall(
        snapshot=lists[-1].about.snapshot.name,
        risky=round(float(sample.weight[sample.is_risky].sum())),
        found=round(float(sample.weight[sample.is_risky & sample.is_shown].sum())),
        value=interval.value,
        low=interval.low,
        high=interval.high,
        registered=registered,
        p=found.chance_of_less(registered),
        reviewed=len(sample.weight),
    )
