"""The artifacts of a run, loaded one by one: `players`, `models` and `candidates` stay where they are."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeVar

import metaflow
import numpy as np
import pyarrow as pa
from metaflow.datastore.exceptions import DataException
from metaflow.exception import MetaflowException

from scarcegan.data.one_player import are_theirs
from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import Evaluation
from scarcegan.gan.progress import Progress
from scarcegan.history.client import find_run, reading, runs_of, tasks_of
from scarcegan.problems import HistoryProblem, Problem
from scarcegan.records import Record
from scarcegan.settings import tables_read

Kind = TypeVar("Kind", bound=Record)

FOLDS, LATEST = "train", "the latest step"  # `train` has a task for each fold
# RetrainFlow's docstring describes these; tests/history/test_artifacts.py holds the two together.
_MADE = {
    "start": ("settings", "origin_run", "commit", "launch", "overrides"),
    "preprocess": ("players", "data_report", "snapshot_report"),
    FOLDS: ("fold", "candidates", "progress", "validation_rows", "prevalence", "families", "left_out"),
    "select": ("models", "validation", "family_risks", "rivals", "model_warnings"),
    "evaluate": ("evaluation", "explanation", "model_quality", "metrics_csv"),
    "register": ("release",),
    "end": ("cost",),
    LATEST: ("usage",),
}
MADE_IN = {name: step for step, names in _MADE.items() for name in names}
# The artifacts that hold ids: flow, step, name, and where in it they are.
HOLDING = (("RetrainFlow", "preprocess", "players", "ids"), ("ScoreFlow", "report", "flagged", "player_id"))


class Unreadable(HistoryProblem):
    """One artifact of one run cannot be loaded, whereas the datastore answers."""


class Holder(Record):
    """A run, by its pathspec, and its artifact with the player; `unread` says why nobody can tell, empty if known.

    `tables` are the places of the user's tables that its settings name.
    """

    run: str
    artifact: str
    unread: str = ""
    tables: tuple[str, ...] = ()


def artifact(run: str | metaflow.Run, name: str) -> Any:
    """Return an artifact that `RetrainFlow` documents, or None while the run (`12`, `RetrainFlow/12`) has not made it.

    What each fold makes comes as a dict by fold number. A `HistoryProblem` says what cannot be found or loaded.
    """
    if name not in MADE_IN:
        known = ", ".join(MADE_IN)
        raise HistoryProblem(f"expected an artifact among {known}, got '{name}': see RetrainFlow's docstring")
    found = find_run(run)
    return _load(found, partial(tasks_of, found), name)


class RunArtifacts:
    """The small artifacts of one run, each step asked for once; as records None where not made or not to be read.

    `settings` are by dotted key, `tags` those that people gave, `data` is the fingerprint of the players. `unread` are
    those that could not be read so far, each with the reason: one of them must not hide the others.
    """

    def __init__(self, run: metaflow.Run) -> None:
        self.run: str = run.id
        # `config:` and the like repeat what settings say.
        self.tags = sorted(tag for tag in run.user_tags if ":" not in tag)
        self.unread: list[str] = []
        self._load = partial(_load, run, cache(partial(tasks_of, run)))
        self.settings = flat(self.plain("settings") or {})
        self.overrides: str | None = self.plain("overrides")
        self.data_report = self.record("data_report", DataReport)
        self.data = self.data_report.fingerprint if self.data_report else None
        self.evaluation = self.record("evaluation", Evaluation)

    def plain(self, name: str) -> Any:
        """Return an artifact, or None where it is not made or cannot be loaded."""
        try:
            return self._load(name)
        except Unreadable as problem:
            self.unread.append(str(problem))
            return None

    def record(self, name: str, kind: type[Kind]) -> Kind | None:
        """Return an artifact as the record that it was made from, or None where it is not made or of another shape."""
        return self._as(kind, name, self.plain(name))

    def progress(self) -> dict[int, Progress]:
        """Return how each fold that has finished was trained."""
        made = self.plain("progress") or {}
        folds = {fold: self._as(Progress, f"progress of fold {fold}", plain) for fold, plain in made.items()}
        return {fold: progress for fold, progress in folds.items() if progress}

    def _as(self, kind: type[Kind], name: str, plain: Any) -> Kind | None:
        try:
            return None if plain is None else kind.from_plain(plain)
        except Problem as problem:
            self.unread.append(f"{name}: {problem}")
            return None


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by dotted key; a list of sections is keyed by name or place, other lists are text."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            named = {one.get("name", str(place)): one for place, one in enumerate(value, 1)}
            value = {name: {key: own for key, own in one.items() if key != "name"} for name, one in named.items()}
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[prefix + key] = ", ".join(map(str, value)) if isinstance(value, list) else value
    return leaves


def _load(run: metaflow.Run, tasks: Callable[[str], list[metaflow.Task]], name: str) -> Any:
    """Return an artifact as `artifact` does; `Unreadable` where it, and not the datastore, is at fault."""
    step = MADE_IN[name]
    with reading():
        if step == FOLDS:
            made = {_data(task, "fold"): _data(task, name) for task in tasks(step)}
            return dict(sorted((fold, value) for fold, value in made.items() if value is not None)) or None
        steps = [one.id for one in run] if step == LATEST else [step]
        found = (_data(task, name) for one in steps for task in tasks(one)[:1])
        return next((value for value in found if value is not None), None)


def artifact_of(run: metaflow.Run, step: str, name: str) -> Any:
    """Return an artifact of the first task of a run's step, None where it is not made; `Unreadable` as `_load`."""
    with reading():
        return next((_data(task, name) for task in tasks_of(run, step)), None)


def runs_holding(player: str) -> list[Holder]:
    """Return the runs that hold a player, by the id as text, and those that cannot be read, newest first."""
    found = []
    for flow, step, name, key in HOLDING:
        with reading():
            runs = runs_of(flow)
        for run in runs:
            try:
                made = artifact_of(run, step, name)
                if made is not None and _holds(np.asarray(made[key]), player):
                    settings = artifact_of(run, "start", "settings")
                    tables = tuple(tables_read(settings).values()) if settings else ()
                    found.append(Holder(run.pathspec, name, tables=tables))
            except Unreadable as problem:
                found.append(Holder(run.pathspec, name, str(problem)))
    return found


def _holds(ids: np.ndarray, player: str) -> bool:
    return bool(len(ids)) and any(are_theirs(pa.chunked_array([pa.array(ids)]), player).to_pylist())


def _data(task: metaflow.Task, name: str) -> Any:
    try:
        made = task[name]
    except KeyError:
        return None
    try:
        return made.data
    except Exception as error:  # unpickling raises what the artifact's class likes; a lost file makes a TypeError
        if isinstance(error, MetaflowException | OSError) and not isinstance(error, DataException):
            raise  # the datastore does not answer: that concerns every run
        raise Unreadable(
            f"expected the artifact '{name}' of {task.pathspec}, cannot load it ({type(error).__name__}: {error}): use "
            "the code that made it, or make it again"
        ) from error
