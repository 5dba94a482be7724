"""Errors a user can mend: each message says what was expected, what was got, and what to do."""

import difflib
from collections.abc import Collection


class Problem(Exception):
    """A mistake in settings, data, checkpoints or the registry that the user can mend."""


class SettingsProblem(Problem):
    """A key or a value in the configuration is wrong."""


class DataProblem(Problem):
    """The players, their labels or their features cannot be used as they are."""


class MissingFile(DataProblem):
    """There is no file at a location."""


class Outage(Problem):
    """AWS or the way to it is down or busy: nothing is wrong with what was asked, and another try may succeed."""


class StorageOutage(Outage):
    """S3 or the way to it is down or busy."""


class CheckpointProblem(Problem):
    """A checkpoint cannot be read, or belongs to other data, settings, fold or code."""


class TrainingCollapsed(Problem):
    """No member of a fold is left to train."""


class PreflightProblem(Problem):
    """Something that would stop the run later is found before it starts."""


class RegistryProblem(Problem):
    """The registry refuses: unknown version, changed archive, incomplete release."""


class HistoryProblem(Problem):
    """No such run, or Metaflow's metadata cannot be reached."""


def nearest(name: str, known: Collection[str], otherwise: str = "") -> str:
    """Return, for the end of a message, which of the known names may have been meant; else `otherwise`, or all."""
    plain = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), plain, n=1, cutoff=0.5)
    return f"did you mean '{plain[near[0]]}'?" if near else otherwise or f"known are {', '.join(map(repr, known))}."


def require_known(what: str, name: str, known: Collection[str], kind: type[Problem]) -> None:
    """Raise such a Problem for a name that is none of the known ones, if there are some; an empty name asks for all."""
    if name and known and name not in known:
        raise kind(f"expected {what}, got '{name}': {nearest(name, known)}")
