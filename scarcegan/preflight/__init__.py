"""What would stop a run, found in seconds instead of after an hour in a queue; each finding says what to do."""

from scarcegan.preflight.checks import before_launch, inside_features, inside_run, inside_scoring

__all__ = ["before_launch", "inside_features", "inside_run", "inside_scoring"]
