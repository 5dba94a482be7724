"""The folder of a new project: written whole, made again where it is half made, and never over what others wrote."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from scarcegan import __version__
from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.problems import SettingsProblem
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.settings import Settings, load, parse, text_of
from scarcegan.starting.configuration import FIRST, Tree, to_toml
from scarcegan.storage import write_bytes

# What `new` has written, with a digest of each file; it goes once the trial run has ended well.
MARK = ".scarcegan/half-made.json"
FLOWS = {
    "retrain": "Retrain, and register the models for approval",
    "score": "Score a snapshot with the champion",
    "features": "Turn telemetry into snapshots",
}
_SCRIPT = '''"""{what}: `python {flow}_flow.py run`, `... run --with batch`, `... resume`."""

import sys

from scarcegan.project import start_flow

if __name__ == "__main__":
    start_flow("{flow}", sys.argv[1:])
'''
_IGNORED = [".venv", ".metaflow/", ".metaflow_spin/", ".scarcegan/", "__pycache__/", "report-*.html"]
_README = """# {name}

Finds the few {rare} {rows} among many, with a model that is retrained, approved by a person, and scores all {rows}.
Made by `scarcegan new` from tables at `{place}`; it needs Python with scarcegan {version} installed.

```console
{features}$ scarcegan run                                   # retrain; after a failure `scarcegan resume`
$ scarcegan models compare 1 2 3 4                # four models, one for each business definition
$ scarcegan models approve 3 --reason "why"       # a person decides
{score}
$ python retrain_flow.py card server              # data, training, evaluation, drift, cost in the browser
```

`config/retrain.toml` has the settings that differ from the defaults. With AWS set up, `scarcegan run --with batch`
trains there. Runs are kept in `.metaflow`, models, snapshots and scores in `.scarcegan`: neither belongs into git.
"""

_FEATURES = "$ scarcegan features                              # telemetry up to `telemetry.cutoffs`: a snapshot\n"
# How rows are scored, by data.source.
_SCORE = {
    "tables": f"""$ scarcegan snapshots publish TABLE --name {FIRST}  # rows to score; later ones get names of their own
$ scarcegan score --snapshot {FIRST}                # then a list of whom to look at""",
    "snapshot": "$ scarcegan score                                 # the newest snapshot: a list of whom to look at",
}


class Project(Record):
    """A folder that is new, empty or half made by `scarcegan new`; `written` has a digest of each of its files."""

    folder: Path
    written: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the folder is called."""
        return self.folder.name

    def write(self, tree: Tree, place: str) -> list[str]:
        """Write the files, and return those that stay as they are because somebody has changed them since.

        A SettingsProblem says that the settings cannot be; then nothing is written.
        """
        written = to_toml(tree)
        settings = load(tomllib.loads(written))
        words = {"name": self.name, "place": place, "rows": settings.words.rows, "rare": settings.populations.rare}
        words |= {"version": __version__, "score": _SCORE[settings.data.source]}
        words |= {"features": _FEATURES if settings.data.source == "snapshot" else ""}
        files = {
            DEFAULT_CONFIG: f"# {self.name}: what differs from the defaults.\n\n{written}",
            "README.md": _README.format(**words),
            ".gitignore": "\n".join(_IGNORED) + "\n",
            **{f"{flow}_flow.py": _SCRIPT.format(flow=flow, what=what) for flow, what in FLOWS.items()},
        }
        kept = [name for name in files if (self.folder / name).exists() and not self._is_ours(name)]
        digests = {name: _digest(text) for name, text in files.items() if name not in kept}
        # The mark comes first: whatever happens then, the folder is known as half made.
        self._put(MARK, json.dumps({**self.written, **digests}))
        for name in digests:
            self._put(name, files[name])
        return kept

    def settings(self) -> Settings:
        """Read the configuration as it stands."""
        return load(parse(text_of(self.folder / DEFAULT_CONFIG)))

    def finish(self) -> None:
        """Take the mark away: from now on the folder is its owner's."""
        (self.folder / MARK).unlink()

    def _is_ours(self, name: str) -> bool:
        return self.written.get(name) == hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    def _put(self, name: str, text: str) -> None:
        # In UTF-8 whatever the locale: so it is read.
        write_bytes(str(self.folder / name), text.encode())


def open_project(folder: Path) -> Project:
    """Take a folder for a new project; a SettingsProblem where it has files that `scarcegan new` did not write."""
    folder = Path(located(str(folder), Path.cwd()))
    mark = folder / MARK
    if mark.is_file():
        return Project(folder, _digests(mark))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["a file"]
        made = ", or go on there with `scarcegan run`" if (folder / DEFAULT_CONFIG).is_file() else ""
        raise SettingsProblem(
            f"expected a new or empty folder for the project, got {folder} with {', '.join(found[:5])}: name another "
            f"folder{made}; nothing was changed"
        )
    return Project(folder, {})


def _digests(mark: Path) -> dict[str, str]:
    try:
        return TypeAdapter(dict[str, str]).validate_json(mark.read_bytes())
    except ValueError as error:
        raise SettingsProblem(
            f"expected a digest of each file of a half-made project in {mark}, got no such JSON: remove the project's "
            "folder if nothing in it is yours, or name another one"
        ) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
