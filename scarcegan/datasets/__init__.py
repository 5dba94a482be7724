"""Where players come from: one module for each source that `data.source` names, with a function `load`."""

from scarcegan.data.players import Players
from scarcegan.data.reviewed import ReviewedPlayers
from scarcegan.settings import Settings


def load_players(settings: Settings, reviewed: ReviewedPlayers | None = None) -> Players:
    """Load the players of the configured source, with what reviewers found out where `data.outcomes` takes it.

    Settings that do not fit it raise a SettingsProblem, data that cannot be used as they are a DataProblem.
    """
    # Late: the sources import this package themselves.
    from scarcegan.data.populations import load_populations
    from scarcegan.datasets import kdd99, lootbox, simulated, snapshot

    reviewable = {"snapshot": snapshot.load, "tables": load_populations}
    if settings.data.source in reviewable:
        return reviewable[settings.data.source](settings, reviewed)
    return {"kdd99": kdd99.load, "lootbox": lootbox.load, "simulated": simulated.load}[settings.data.source](settings)
