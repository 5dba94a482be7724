"""The names of `scarcegan.history`."""
# ruff: noqa: F401

from scarcegan.history.artifacts import artifact
from scarcegan.history.client import card
from scarcegan.history.comparison import RunComparison, best, best_runs, compare
from scarcegan.history.frames import facts_of_run, facts_of_runs, rows_of, runs, show
from scarcegan.history.tags import CANDIDATE, CHAMPION, follow_registry, tag_release
