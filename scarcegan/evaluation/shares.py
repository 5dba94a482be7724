"""How much each family counts in an ensemble, by its risks of validation players that it was not trained on."""

from collections.abc import Mapping

import numpy as np

from scarcegan.evaluation.definitions import operating_point
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.metrics import curve, recall_at_shares
from scarcegan.evaluation.scored import Scored
from scarcegan.settings import Definition, Settings

_RESAMPLES = 100
_SHARES = 13  # flagged shares over which the recall is averaged
_SURE_LABELS = 20  # so many labelled risky players count as much as the even mix
# With many labels all resamples may agree on one family though others find nearly as many. One release of KDD99 was
# boosting alone then, and later players differed: .15 less PR-AUC. On 23 development tests it costs nothing.
_NEARLY, _FOR_NEARLY = 0.9, 0.2
_LEAST_SHARE = 0.08  # a family that counts for less costs time and changes nothing
# Who is best by far on validation players may be hurt most where later players differ: on KDD99's later connections
# PR-AUC fell by .13 where boosting, best before, had nearly all. So what is above one half goes to the others.
_HALF, _MOST_TIMES = 0.5, 3  # and gives them no more than three times what they had


def choose_shares(
    risks: Mapping[str, np.ndarray], validation: Scored, definition: Definition, settings: Settings
) -> dict[str, float]:
    """Choose the share of each family: its chance of being the best on players drawn anew.

    A family is measured by its recall of labelled risky players, averaged over flagged shares around that of the
    definition, and far below it: where risky players are much rarer than that share, every family finds all of them at
    it. As there are a few dozen of them, a single winner would be chosen by luck: so validation players are
    resampled, and a family's share is that of the resamples which it wins. It is mixed with an even share of all
    families, the more the fewer labelled risky players there are, and where they are many with one of those that are
    nearly as good; a family with more than half lends the others what it has above, or a part of it. Risks are float
    [n], of the validation players, whose own score (ScarceGAN's) gives the flagged share that matters. Shares sum to 1;
    small ones are 0.

    Source: Breiman (1996), Bagging predictors, for the vote of resamples.
    """
    at = operating_point(definition, validation, settings.review_budget).flagged_share
    shares = np.geomspace(*_around(at, validation), _SHARES)
    # By the seed alone: one more family draws nobody anew.
    rng = np.random.default_rng(settings.seed)
    weights = resample_weights(validation.is_risky, validation.in_population, _RESAMPLES, rng)
    recalls = {
        name: recall_at_shares(curve(validation.with_score(risk), weights), shares).mean(axis=1)
        for name, risk in risks.items()
    }
    doubt = _SURE_LABELS / (_SURE_LABELS + np.count_nonzero(validation.is_risky))
    votes, families = _votes(np.stack(list(recalls.values()))), settings.families
    least = [families[name].least_share if name in families else 0.0 for name in recalls]
    # By votes, not by shares: the even share in these, large with few labels, says nothing of a family.
    stay = {name: recalls[name] for name, own, enough in zip(recalls, votes, least, strict=True) if own >= enough}
    return dict.fromkeys(risks, 0.0) | _shared(stay or recalls, doubt)


def _votes(recalls: np.ndarray) -> np.ndarray:
    """Return the share of the resamples that each family wins, by recalls [families, resamples]: float [families]."""
    # Of equals all win, each a part: families that find everybody count the same.
    wins = recalls >= recalls.max(axis=0) - 1e-12
    return np.asarray((wins / wins.sum(axis=0)).mean(axis=1))


def _shared(recalls: Mapping[str, np.ndarray], doubt: float) -> dict[str, float]:
    """Share by recalls of resampled players, [resamples] each, mixed with so much of an even share.

    A fifth at least is mixed in: where doubt is less, the rest goes to those that find nearly as many as the best.
    """
    every = np.stack(list(recalls.values()))
    mean = every.mean(axis=1)
    is_near, for_near = mean >= _NEARLY * mean.max(), max(0.0, _FOR_NEARLY - doubt)
    shares = (1 - doubt - for_near) * _votes(every) + doubt / len(every) + for_near * is_near / is_near.sum()
    return dict(zip(recalls, _lent(shares).tolist(), strict=True))


def _lent(shares: np.ndarray) -> np.ndarray:
    """Let the best keep one half, or more where the others cannot take it, and drop others that are small.

    The others grow in proportion, to three times what they had at most; of many small ones the largest stay.
    """
    best = int(shares.argmax())
    others = np.delete(shares, best)
    if not others.any():
        return shares
    rest = max(others.sum(), min(_HALF, _MOST_TIMES * others.sum()))
    grown = others * rest / others.sum()
    grown[grown < min(_LEAST_SHARE, grown.max())] = 0.0
    if rest < _LEAST_SHARE:
        grown[:] = rest = 0.0
    else:
        grown *= rest / grown.sum()
    return np.insert(grown, best, 1 - rest)


def _around(share: float, validation: Scored) -> tuple[float, float]:
    """Return a twentieth of a flagged share and five times it, of one player at least and of all at most."""
    one = 1 / np.count_nonzero(validation.in_population)
    share = max(share, one)
    return max(share / 20, one), min(5 * share, 1.0)
