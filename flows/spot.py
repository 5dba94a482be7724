"""The notice that AWS sends before it takes a spot instance away."""

from pathlib import Path

from metaflow import current

from scarcegan.machine import MachineTakenAway


def stop_if_taken_away():
    """End the training while there is time to keep what is trained; a retry goes on from there.

    Metaflow watches the instance's metadata in every Batch job and writes the notice to a file.

    Raises:
        MachineTakenAway: the notice has come.
    """
    notice = current.get("spot_termination_notice")
    if notice and Path(notice).exists():
        raise MachineTakenAway(f"AWS takes this spot instance away at {Path(notice).read_text()}: kept till here")
