"""Where the project keeps what it makes, and where the paths in its settings lead."""

import os
import re
from pathlib import Path
from typing import Any

from scarcegan.problems import SettingsProblem


def project_root() -> Path:
    """Return the repository root, or the working directory where there is no repository.

    The package is installed in editable mode, so its own place tells where the repository is: a flow started
    inside `flows/` and a command typed at the root agree. A plain (non-editable) install, as in a container,
    has no `pyproject.toml` beside the package; the working directory is the project then.
    """
    beside_package = Path(__file__).resolve().parent.parent
    return beside_package if (beside_package / "pyproject.toml").is_file() else Path.cwd()


def located(path: str, base: Path | None = None) -> str:
    """Return the location that a path means: an `s3://` address or an absolute local path.

    `~` and `$VARIABLES` are expanded. In the settings a relative path counts from the project root, so that it means
    the same to a flow started in `flows/` and to a command typed at the root; typed at a prompt, it counts from the
    working directory, the `base` then.

    Raises:
        SettingsProblem: the path names an environment variable that is not set, or has a character that no path has.
    """
    if "\0" in path:
        raise SettingsProblem(f"expected a path without NUL characters, got {path!r}: remove them")
    expanded = os.path.expanduser(os.path.expandvars(path))
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise SettingsProblem(f"expected a value of ${unset[1]}, which the path '{path}' names: set the variable")
    return expanded if "://" in expanded else os.path.abspath((base or project_root()) / expanded)


def typed_data(typed: str, base: Path) -> dict[str, Any]:
    """Return what `--data` lays over `[data]`: `LOCATION` over its path, `NAME=LOCATION` over the path of one table.

    Several are separated by commas; relative paths count from the `base`.
    """
    path, tables = None, {}
    for one in re.split(r",(?=\w+=)", typed):
        is_named = re.match(r"\w+=", one)
        name, place = one.split("=", 1) if is_named else ("", one)
        if not place:
            raise SettingsProblem(
                f"expected --data LOCATION or --data NAME=LOCATION,..., got '{typed}': name the place"
            )
        if name:
            tables[name] = {"path": located(place, base)}
        else:
            path = located(place, base)
    return {"path": path, "tables": tables or None}
