"""Whether the players can be read, and whether there are enough of each kind, without reading all of them."""

from scarcegan import words
from scarcegan.aws.findings import Refused
from scarcegan.data.folds import held_out_count, require_players_per_fold
from scarcegan.data.populations import TEST, locate
from scarcegan.data.tables import read_parts
from scarcegan.settings import Data, Populations, Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.storage import find_parts


def check_players(settings: Settings) -> str:
    """Check tables or a snapshot's labels: they are there, and each labelled population has players for all folds.

    The unlabelled players, who may be millions, are not read; their table only has to be there. Raises Refused where
    the source is not named, and a DataProblem where a table is missing or unreadable, or a population is too small.
    """
    if not settings.data.path:
        raise Refused("data.path is not set", "name the folder of the tables, or the labels table of a snapshot")
    data, populations = settings.data, settings.populations
    if data.source == "tables":
        counts, has_test = _in_tables(data, populations)
    else:
        counts, has_test = _in_labels(data, populations, settings.snapshots.folder)
    # Where the input brings no test set, some players are held out before the folds are dealt.
    left = counts if has_test else {name: n - held_out_count(n, data.test_share) for name, n in counts.items()}
    require_players_per_fold(left, settings.folds.k)
    return ", ".join(f"{words.count(n)} {name}" for name, n in counts.items()) + f" for {settings.folds.k} folds"


def _in_tables(data: Data, populations: Populations) -> tuple[dict[str, int], bool]:
    found = locate(data.path, (*populations.classes, populations.unlabeled))
    # This only refuses a place without files: the unlabelled are not counted.
    find_parts(found[populations.unlabeled])
    ids = [data.id_column]
    counts = {name: sum(len(rows) for _, rows in read_parts(found[name], ids)) for name in populations.classes}
    return counts, TEST in found


def _in_labels(data: Data, populations: Populations, snapshots: str) -> tuple[dict[str, int], bool]:
    if not data.snapshot:
        raise Refused("data.snapshot is not set", "name one of `scarcegan snapshots list`")
    open_snapshots(snapshots).describe(data.snapshot)
    table = read_labels(data.path, populations).table
    # A close count is enough: the join with the snapshot decides which of several labels holds.
    players = table.drop_duplicates("player_id", keep="last")["population"].value_counts()
    return {name: int(players.get(name, 0)) for name in populations.classes}, TEST in players.index
