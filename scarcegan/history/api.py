"""The names of `scarcegan.history`."""

from scarcegan.history.artifacts import artifact as artifact
from scarcegan.history.client import card as card
from scarcegan.history.comparison import RunComparison as RunComparison
from scarcegan.history.comparison import best as best
from scarcegan.history.comparison import best_runs as best_runs
from scarcegan.history.comparison import compare as compare
from scarcegan.history.comparison import learning_curves as learning_curves
from scarcegan.history.comparison import metrics as metrics
from scarcegan.history.frames import facts_of_run as facts_of_run
from scarcegan.history.frames import facts_of_runs as facts_of_runs
from scarcegan.history.frames import rows_of as rows_of
from scarcegan.history.frames import runs as runs
from scarcegan.history.frames import show as show
from scarcegan.history.tags import CANDIDATE as CANDIDATE
from scarcegan.history.tags import CHAMPION as CHAMPION
from scarcegan.history.tags import follow_registry as follow_registry
from scarcegan.history.tags import tag_release as tag_release
