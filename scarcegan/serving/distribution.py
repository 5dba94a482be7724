"""The distribution of risk scores: counts that add up over shards, and what they tell of the whole."""

from collections.abc import Sequence

import numpy as np

from scarcegan.records import Record

LEVELS = np.linspace(0, 1, 101)
# A float's bits grow with the float; their upper half tells a score to 1/128 of itself, however small all scores are.
_DROPPED_BITS = 16
# No score is above 1: the last bin is that of 1.0 itself.
BINS = (int(np.float32(1).view(np.int32)) >> _DROPPED_BITS) + 1


class ReferenceScores(Record):
    """How a model scores unlabelled players that it was not trained on, to compare later ones with.

    Quantiles are those of the risk score at `LEVELS`; `unknown_share` have 'unknown' as their most probable class.
    """

    players: int
    quantiles: Sequence[float]
    flagged_share: float
    unknown_share: float


def count_scores(scores: np.ndarray) -> np.ndarray:
    """Count scores, float32 [n] in [0, 1], by bin: int64 [BINS]; counts of several shards add up.

    Bins are as fine in the tail of a timid model as in that of a bold one.
    """
    return np.bincount(scores.view(np.int32) >> _DROPPED_BITS, minlength=BINS)


def lowest_of_top(counts: np.ndarray, wanted: int) -> float:
    """Return a score that at least `wanted` players reach (all of them, if there are fewer), and hardly more."""
    reach = np.cumsum(counts[::-1])[::-1]
    enough = np.flatnonzero(reach >= wanted)
    return float(bin_edges()[enough[-1]]) if len(enough) else 0.0


def counted_quantiles(counts: np.ndarray) -> list[float]:
    """Return the quantiles at `LEVELS`, each to 1 % of its size; none without players."""
    total = np.cumsum(counts)
    if not total[-1]:
        return []
    # At least one player: level 0 is the lowest score, not the first bin.
    at = np.searchsorted(total, np.maximum(1, np.ceil(LEVELS * total[-1])))
    return [float(edge) for edge in bin_edges()[at]]


def reference_scores(probabilities: np.ndarray, rare: int, threshold: float) -> ReferenceScores:
    """Describe how a model scores players that it was not trained on, by their probabilities, float32 [n, classes].

    There is at least one player. `rare` is the last column of a labelled class; one beyond it is 'unknown'.
    """
    scores = np.ascontiguousarray(probabilities[:, rare])
    return ReferenceScores(
        players=len(scores),
        quantiles=counted_quantiles(count_scores(scores)),
        flagged_share=float((scores >= np.float32(threshold)).mean()),
        unknown_share=float((probabilities.argmax(axis=1) > rare).mean()),
    )


def top_order(scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the order of the review: the highest score first, equal ones by player id."""
    return np.lexsort((ids, -scores))


def bin_edges() -> np.ndarray:
    """Return each bin's lowest score, float32 [BINS]."""
    return (np.arange(BINS, dtype=np.int32) << _DROPPED_BITS).view(np.float32)
