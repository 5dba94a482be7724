"""Runs whose artifacts hold a player: Metaflow names them by their content, so that they cannot be rewritten."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

import numpy as np
import pyarrow as pa

from scarcegan.data.one_player import are_theirs
from scarcegan.history.artifacts import Unreadable, artifact_of
from scarcegan.history.client import reading, runs_of
from scarcegan.records import Record

# The artifacts that hold ids: flow, step, name, and where in it they are.
HOLDING = (("RetrainFlow", "preprocess", "players", "ids"), ("ScoreFlow", "report", "flagged", "player_id"))


class Holder(Record):
    """A run, by its pathspec, and its artifact with the player; `unread` says why nobody can tell, empty if known.

    `settings` are those of the run, plain.
    """

    run: str
    artifact: str
    unread: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


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
                    found.append(Holder(run.pathspec, name, settings=artifact_of(run, "start", "settings") or {}))
            except Unreadable as problem:
                found.append(Holder(run.pathspec, name, str(problem)))
    return found


def _holds(ids: np.ndarray, player: str) -> bool:
    return bool(len(ids)) and any(are_theirs(pa.chunked_array([pa.array(ids)]), player).to_pylist())
