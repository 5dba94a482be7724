"""Whether the players can be read, and whether there are enough of each kind, without reading all of them."""

from scarcegan.aws.findings import Refused
from scarcegan.data.folds import held_out_count, require_players_per_fold
from scarcegan.data.populations import TEST, locate
from scarcegan.data.tables import read_parts
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.storage import find_parts


def check_players(settings: Settings) -> str:
    """Check tables or a snapshot's labels: they are there, and each labelled population has players for all folds.

    The unlabelled players, who may be millions, are not read; their table only has to be there.

    Raises:
        Refused: the source is not named.
        DataProblem: a table is missing or unreadable, or a population is too small.
    """
    if not settings.data.path:
        raise Refused("data.path is not set", "name the folder of the tables, or the labels table of a snapshot")
    counts, has_test = (_in_tables if settings.data.source == "tables" else _in_labels)(settings)
    left = counts if has_test else {name: n - held_out_count(n, settings.data.test_share) for name, n in counts.items()}
    require_players_per_fold(left, settings.folds.k)
    return ", ".join(f"{n:,} {name}" for name, n in counts.items()) + f" for {settings.folds.k} folds"


def _in_tables(settings: Settings) -> tuple[dict[str, int], bool]:
    populations = (*settings.populations.classes, settings.populations.unlabeled)
    found = locate(settings.data.path, populations)
    find_parts(found[settings.populations.unlabeled])
    ids = [settings.data.id_column]
    counts = {name: sum(len(rows) for _, rows in read_parts(found[name], ids)) for name in settings.populations.classes}
    return counts, TEST in found


def _in_labels(settings: Settings) -> tuple[dict[str, int], bool]:
    if not settings.data.snapshot:
        raise Refused("data.snapshot is not set", "name one of `scarcegan snapshots list`")
    open_snapshots(settings.snapshots.folder).describe(settings.data.snapshot)
    table = read_labels(settings.data.path, settings.populations).table
    players = table.drop_duplicates("player_id", keep="last")["population"].value_counts()
    return {name: int(players.get(name, 0)) for name in settings.populations.classes}, TEST in players.index
