"""The audit sample: players below the top of the review list, drawn at random so that misses can be counted.

The players below the top are cut by score into strata, and the same number is drawn from each. The cuts give each
stratum the same sum of expected standard deviations of "risky or not": there, equal numbers are the allocation with the
least variance. The upper strata are small and the lowest is large, as risky players are rarer there.

Source: J. Neyman, On the two different aspects of the representative method, 1934; T. Dalenius and J. L. Hodges,
Minimum variance stratification, 1959.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from scarcegan.data.ids import keyed_lots
from scarcegan.outcomes.lists import INCLUSION, STRATUM
from scarcegan.records import Record
from scarcegan.serving.distribution import bin_edges
from scarcegan.snapshots.store import ID

MOST_STRATA = 10
FEWEST_OF_A_STRATUM = 2  # one player alone says nothing of the spread
# How many times the mean risk a stratum is taken to hold at least: scores that are wrong must not leave it out. With
# less the limits are wider, with more the errors larger; settled on replays of seeds 1 to 100 of benchmarks/people.py.
LEAST_RISK = 0.5


class Stratum(Record):
    """The players below the top from a score on, up to the next stratum: so many, of whom so many are drawn."""

    lowest: float
    players: int
    drawn: int


def audit_strata(counts: np.ndarray, top: int, wanted: int, *, is_probability: bool) -> list[Stratum]:
    """Cut the players below the `top` highest scores into strata, the highest first.

    Counts are players by score, int [BINS], of all shards: strata do not depend on how many there are. Where scores are
    no probabilities, a player's risk is taken to fall as the rank rises: 1 / rank.
    """
    reached = np.cumsum(counts[::-1])
    below = np.diff(np.maximum(reached - top, 0), prepend=0)
    players = int(below.sum())
    wanted = min(wanted, players)
    if not wanted:
        return []
    edges = bin_edges()[::-1].astype(np.float64)
    risk = edges if is_probability else 1 / np.maximum(reached, 1)
    risk = np.maximum(risk, LEAST_RISK * (risk @ below) / players)
    spread = np.cumsum(below * np.sqrt(risk))
    strata = max(1, min(MOST_STRATA, wanted // FEWEST_OF_A_STRATUM))
    cuts = np.searchsorted(spread, spread[-1] * np.arange(1, strata) / strata)
    # A bin of many equal scores may swallow several cuts.
    ends = np.unique([*cuts, np.flatnonzero(below)[-1]])
    sizes = np.diff(np.cumsum(below)[ends], prepend=0)
    ends, sizes = ends[sizes > 0], sizes[sizes > 0]
    shares = _shared_out(wanted, sizes)
    return [Stratum(float(edges[end]), *each) for end, *each in zip(ends, sizes.tolist(), shares, strict=True)]


def draw(strata: Sequence[Stratum], parts: Iterable[pd.DataFrame], top: Iterable[object], *key: int) -> pd.DataFrame:
    """Draw each stratum's players from parts of the scored players, who are not among the `top` ids.

    By lots that depend on id and key alone: the same players whatever the parts and their order. The columns `stratum`
    (from 1) and `inclusion`, the probability of being drawn, are added; rows are in the order of their lots.
    """
    kept, known = pd.DataFrame(), list(top)
    lowest = [one.lowest for one in strata[-2::-1]]
    drawn = np.array([one.drawn for one in strata])
    for part in parts:
        below = part[~part[ID].isin(known)]
        # The lowest scores are those of the last stratum.
        number = len(strata) - np.searchsorted(lowest, below["risk_score"], side="right")
        below = below.assign(lot=keyed_lots(below[ID].to_numpy(), *key), **{STRATUM: number})
        kept = pd.concat([kept, _first_lots(below, drawn)])
        kept = _first_lots(kept, drawn)
    inclusion = drawn / np.array([one.players for one in strata])
    return kept.drop(columns="lot").assign(**{INCLUSION: inclusion[kept[STRATUM] - 1]})


def mixed_in(top: pd.DataFrame, drawn: pd.DataFrame, *key: int) -> pd.DataFrame:
    """Put the drawn players at random places among the top, which keep their order: no place tells who was drawn."""
    rng = np.random.default_rng(key)
    is_drawn = np.zeros(len(top) + len(drawn), bool)
    is_drawn[rng.permutation(len(is_drawn))[: len(drawn)]] = True
    order = np.empty(len(is_drawn), np.int64)
    order[~is_drawn], order[is_drawn] = np.arange(len(top)), len(top) + np.arange(len(drawn))
    whole = pd.concat([top.assign(**{STRATUM: 0, INCLUSION: 1.0}), drawn], ignore_index=True)
    return whole.iloc[order].reset_index(drop=True)


def _first_lots(players: pd.DataFrame, drawn: np.ndarray) -> pd.DataFrame:
    """Keep the lowest lots of each stratum, as many as it draws, by lot."""
    by_lot = players.sort_values("lot")
    return by_lot[by_lot.groupby(STRATUM).cumcount().to_numpy() < drawn[by_lot[STRATUM] - 1]]


def _shared_out(wanted: int, sizes: np.ndarray) -> list[int]:
    """Share `wanted` out evenly, none more than there are; what is left over goes to the last ones."""
    shares = np.zeros(len(sizes), dtype=np.int64)
    while shares.sum() < wanted:
        room = np.flatnonzero(shares < sizes)
        left = wanted - int(shares.sum())
        each, over = divmod(left, len(room))
        more = np.full(len(room), each)
        more[len(room) - over :] += 1
        shares[room] = np.minimum(sizes[room], shares[room] + more)
    return shares.tolist()
