"""How far the training data of two runs are apart, from their data reports alone: no player is loaded."""

from scarcegan.data.distances import moves
from scarcegan.data.records import DataReport
from scarcegan.history.records import MovedFeature


def data_drift(run: str, now: DataReport | None, before: DataReport | None) -> list[MovedFeature]:
    """Compare the unlabelled players of two runs' data reports, the most moved feature first.

    Args:
        run: the run to name.
        now: its data report; None while it has made none.
        before: of the run to compare with.

    Returns:
        PSI and KS as `scarcegan.data.distances` tells them, of the features that both reports have. None for the same
        data.
    """
    if before is None or now is None or before.fingerprint == now.fingerprint:
        return []
    old, new = ({row.name: row for row in report.feature_table} for report in (before, now))
    return [
        MovedFeature(
            run=run,
            feature=move.name,
            psi=move.psi,
            ks=move.ks,
            median_before=move.median_before,
            median_now=move.median_now,
            zero_share_before=old[move.name].zero_share,
            zero_share_now=new[move.name].zero_share,
        )
        for move in moves(old, new)
    ]
