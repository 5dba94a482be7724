"""How far the training data of two runs are apart, from their data reports alone: no player is loaded."""

from dataclasses import astuple

import pandas as pd

from scarcegan.data.distances import moves
from scarcegan.data.records import DataReport

COLUMNS = ["feature", "psi", "ks", "median_before", "median_now", "zero_share_before", "zero_share_now"]


def data_drift(before: DataReport | None, now: DataReport | None) -> pd.DataFrame:
    """Compare the unlabelled players of two data reports, the most moved feature first.

    Args:
        before: of the run to compare with; None while it has made none.
        now: of the other run.

    Returns:
        feature, psi and ks (see `scarcegan.data.distances`), medians and shares of zeros. Empty for the same data.
        A feature that only one of the reports has is left out.
    """
    if before is None or now is None or before.fingerprint == now.fingerprint:
        return pd.DataFrame(columns=COLUMNS)
    old, new = ({row.name: row for row in report.feature_table} for report in (before, now))
    rows = [
        (*astuple(move), old[move.name].zero_share, new[move.name].zero_share)  # the columns, in their order
        for move in moves(old, new)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
