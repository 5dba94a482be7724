"""Where the class probabilities go: confusion between populations, calibration of the risk, the unknown class."""

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.evaluation.figures import Calibration, Confusion
from scarcegan.evaluation.intervals import share_of
from scarcegan.evaluation.scored import HeldOut, Scored

_BINS = 10


def confusion(rows: HeldOut, probabilities: np.ndarray, class_names: tuple[str, ...], rare_index: int) -> Confusion:
    """Count players by known class and most probable class.

    Known risky players count as risky whatever their weak label says, and a label 'risky' refuted by the truth as
    no label. Players of no known class follow in a last row, if there are any. The probabilities are [n, classes] or
    [n, classes + unknown]; the names are those of the labelled classes in index order, then 'unknown'.
    """
    columns = probabilities.shape[1]
    labelled = len(class_names) - 1
    of_no_class = np.isin(rows.labels, [rare_index, UNLABELED])
    kind = np.select([rows.is_risky, of_no_class], [rare_index, labelled], rows.labels)
    counts = np.bincount(kind * columns + probabilities.argmax(axis=1), minlength=(labelled + 1) * columns)
    matrix = counts.reshape(labelled + 1, columns)
    names = [*class_names[:labelled], "unlabelled"]
    kept = labelled + int(matrix[labelled].any())
    return Confusion(list(class_names[:columns]), names[:kept], matrix[:kept].tolist())


def is_unknown(probabilities: np.ndarray, labelled_classes: int) -> np.ndarray | None:
    """Tell whose most probable class is 'unknown', bool [n]; None for a model without that output."""
    if probabilities.shape[1] <= labelled_classes:
        return None
    return probabilities.argmax(axis=1) == labelled_classes


def calibration(scored: Scored) -> Calibration:
    """Compare predicted risk with the share of risky players, in ten equal bins of the score; empty bins left out.

    What is observed is prevalence x share of the risky in the bin / share of the population in it; its interval is
    Wilson's, of the share that was counted.
    """
    own_bin = np.digitize(scored.score, np.arange(1, _BINS) / _BINS)
    population, risky = scored.in_population, scored.is_risky
    players = np.bincount(own_bin[population], minlength=_BINS)
    found = np.bincount(own_bin[risky], minlength=_BINS)
    sums = np.bincount(own_bin[population], weights=scored.score[population], minlength=_BINS)
    # What is counted: the risky among a bin's players, or, without truth, the bin's among all known risky ones.
    if scored.prevalence is None:
        whole, scale = players, np.ones(_BINS)
    else:
        whole = np.full(_BINS, found.sum())
        scale = scored.prevalence * players.sum() / np.maximum(players, 1)
    filled = np.flatnonzero(players)
    shares = filter(None, (share_of(int(found[number]), int(whole[number])) for number in filled))
    observed = np.array([(share.value, share.low, share.high) for share in shares]) * scale[filled, np.newaxis]
    # Scaled by a prevalence from elsewhere, a share can pass 1.
    value, low, high = np.minimum(1.0, observed).T.tolist()
    return Calibration((sums[filled] / players[filled]).tolist(), value, low, high, players[filled].tolist())
