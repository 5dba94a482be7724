"""Whether the players can be read, and whether there are enough of each kind, without reading all of them."""

import numpy as np

from scarcegan import words
from scarcegan.aws.findings import Refused
from scarcegan.data.folds import held_out, require_players_per_fold
from scarcegan.data.ids import lots
from scarcegan.data.populations import labelled_ids, load_populations
from scarcegan.data.values import Refusals
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations, Settings
from scarcegan.settings.data_sections import TEST
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels


def check_players(settings: Settings) -> str:
    """Check tables or a snapshot's labels: they are there, and each labelled population has players for all folds.

    Of the unlabelled players, who may be millions, one byte is read. Raises Refused where the source is not named, and
    a DataProblem where tables are missing or unreadable, or a population is too small.
    """
    try:
        return _counted(settings)
    except DataProblem:
        if settings.data.source == "tables":
            load_populations(settings)  # reads everything, and tells all that is wrong at once
        raise


def _counted(settings: Settings) -> str:
    data, populations = settings.data, settings.populations
    if data.source == "tables":
        ids, has_test = labelled_ids(settings)
    else:
        if not data.path:
            raise Refused("data.path is not set", "name the labels table of the snapshot")
        ids, has_test = _in_labels(data, populations, settings.own_snapshots.folder)
    # Where the input brings no test set, some players are held out before the folds are dealt.
    tested = {name: 0 if has_test else held_out(lots(some), data.test_share).sum() for name, some in ids.items()}
    # Reviewers alone may find players of a class, or a lot draw them: `preprocess` counts them.
    elsewhere = data.found_elsewhere(populations)
    here = {name: len(some) - tested[name] for name, some in ids.items() if name not in elsewhere}
    require_players_per_fold(here, settings.folds.k)
    return (
        ", ".join(f"{words.count(len(some))} {name}" for name, some in ids.items()) + f" for {settings.folds.k} folds"
    )


def _in_labels(data: Data, populations: Populations, snapshots: str) -> tuple[dict[str, np.ndarray], bool]:
    if not data.snapshot:
        raise Refused("data.snapshot is not set", "name one of `scarcegan snapshots list`")
    refusals = Refusals()
    with refusals.collecting():
        open_snapshots(snapshots).describe(data.snapshot)
    with refusals.collecting():
        labels = read_labels(data.path, populations, data.id_key)
    refusals.refuse()
    table = labels.table
    # A close count is enough: the join with the snapshot decides which of several labels holds.
    players = table.drop_duplicates("player_id", keep="last").set_index("population")["player_id"]
    return {name: players[players.index == name].to_numpy() for name in populations.classes}, TEST in players.index
