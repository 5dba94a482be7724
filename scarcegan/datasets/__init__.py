"""Where players come from: one module for each source that `data.source` names, with a function `load`."""

from scarcegan.data.players import Players
from scarcegan.settings import Settings


def load_players(settings: Settings) -> Players:
    """Load the players of the configured source.

    Settings that do not fit it raise a SettingsProblem, data that cannot be used as they are a DataProblem.
    """
    # Late: the sources import this package themselves.
    from scarcegan.data.populations import load_populations
    from scarcegan.datasets import kdd99, lootbox, simulated, snapshot

    sources = {"kdd99": kdd99.load, "lootbox": lootbox.load, "simulated": simulated.load, "snapshot": snapshot.load}
    return (sources | {"tables": load_populations})[settings.data.source](settings)
