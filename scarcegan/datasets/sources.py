"""What every built-in data set asks first: where its files are, and whether the populations fit it."""

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from scarcegan.data.players import Players
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.project import located
from scarcegan.settings import Data, Populations

DATA_VARIABLE = "SCARCEGAN_DATA"


def data_folder(data: Data) -> Path | None:
    """Return the folder of the source's files: `data.path`, else `$SCARCEGAN_DATA/<source>`, else None."""
    if data.path:
        return Path(located(data.path))
    root = os.environ.get(DATA_VARIABLE)
    return Path(root) / data.source if root else None


def require_file(folder: Path, name: str, advice: str) -> Path:
    """Return `folder/name`, or refuse with a DataProblem that ends with `advice` if there is no such file."""
    path = folder / name
    if not path.is_file():
        raise DataProblem(f"expected the file {path}, found none: {advice}")
    return path


def require_populations(got: Populations, source: str, negatives: Collection[str], rare: str) -> None:
    """Refuse `[populations]` that do not name exactly the classes this source has, negatives in any order."""
    if set(got.negatives) != set(negatives) or got.rare != rare:
        raise SettingsProblem(
            f"source '{source}' has the negatives {list(negatives)} and the rare class '{rare}', "
            f"got {list(got.negatives)} and '{got.rare}': set populations.negatives = {list(negatives)} "
            f'and populations.rare = "{rare}"'
        )


def without_ignored(players: Players, data: Data) -> Players:
    """Drop the features in `data.ignore_columns`; a SettingsProblem names those that the source does not have."""
    names = np.array(players.feature_names)
    strange = sorted(set(data.ignore_columns) - set(players.feature_names))
    if strange:
        raise SettingsProblem(
            f"data.ignore_columns names {strange}, which source '{data.source}' does not have: remove them"
        )
    keep = ~np.isin(names, data.ignore_columns)
    kept = players.features if keep.all() else players.features[:, keep]
    return replace(players, features=kept, feature_names=tuple(names[keep].tolist()))
