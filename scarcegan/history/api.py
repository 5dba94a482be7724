"""The names of `scarcegan.history`."""
# ruff: noqa: F401

from scarcegan.history.artifacts import artifact, flat
from scarcegan.history.client import CANDIDATE, CHAMPION, card, follow_registry, tag_release
from scarcegan.history.comparison import RunComparison, best, best_runs, compare, compare_releases
from scarcegan.history.frames import facts_of_run, facts_of_runs, runs, show
