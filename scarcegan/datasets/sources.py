"""What every built-in data set asks first: where its files are, and whether the populations fit it."""

import os
from collections.abc import Collection
from pathlib import Path

from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import Settings

DATA_VARIABLE = "SCARCEGAN_DATA"


def data_folder(settings: Settings) -> Path | None:
    """Return the folder of the source's files: `data.path`, else `$SCARCEGAN_DATA/<source>`, else None."""
    if settings.data.path:
        return Path(settings.data.path)
    root = os.environ.get(DATA_VARIABLE)
    return Path(root) / settings.data.source if root else None


def require_file(folder: Path, name: str, advice: str) -> Path:
    """Return `folder/name`.

    Raises:
        DataProblem: the file does not exist; the message ends with `advice`.
    """
    path = folder / name
    if not path.is_file():
        raise DataProblem(f"expected the file {path}, found none: {advice}")
    return path


def require_populations(settings: Settings, negatives: Collection[str], rare: str) -> None:
    """Check that `[populations]` names exactly the classes this source has, negatives in any order.

    Raises:
        SettingsProblem: other names.
    """
    got = settings.populations
    if set(got.negatives) == set(negatives) and got.rare == rare:
        return
    raise SettingsProblem(
        f"source '{settings.data.source}' has the negatives {list(negatives)} and the rare class '{rare}', "
        f"got {list(got.negatives)} and '{got.rare}': set populations.negatives = {list(negatives)} "
        f'and populations.rare = "{rare}"'
    )
