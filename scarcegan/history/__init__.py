"""What was trained before: runs, their settings, metrics and curves as pandas frames for notebooks."""

from scarcegan.history.client import artifact, card
from scarcegan.history.comparison import RunComparison, best, compare, learning_curves, metrics
from scarcegan.history.frames import runs, show
from scarcegan.history.tags import CANDIDATE, CHAMPION, follow_registry, tag_release

__all__ = [
    "CANDIDATE",
    "CHAMPION",
    "RunComparison",
    "artifact",
    "best",
    "card",
    "compare",
    "follow_registry",
    "learning_curves",
    "metrics",
    "runs",
    "show",
    "tag_release",
]
