"""Settings of what is kept: for how long, and what nobody may remove."""

from typing import Annotated

from pydantic import Field, model_validator

from scarcegan.settings.section import Positive, Section

Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]


class Hold(Section):
    """A legal hold: `scarcegan forget` and `prune` refuse to touch what it names."""

    player: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    """Digest of a player's id, as `scarcegan forget PLAYER` shows it; empty: no player."""
    snapshot: str = ""
    """Name of a snapshot: itself and its scores; empty: no snapshot."""
    run: Annotated[str, Field(pattern=r"^(\w+/\w+)?$")] = ""
    """A run, as in `ScoreFlow/12`: itself and its scores; empty: no run."""
    reason: Line
    """Why it is held."""
    who: Line
    """Who has asked for it."""

    @model_validator(mode="after")
    def _names_one(self) -> "Hold":
        named = [name for name in ("player", "snapshot", "run") if getattr(self, name)]
        if len(named) != 1:
            raise ValueError(f"expected a hold of a player, a snapshot or a run, got {named or 'none'}: name one")
        return self

    def names(self, place: str) -> bool:
        """Tell whether a path, or the pathspec of a run, is under this hold."""
        if self.run == place:
            return bool(self.run)
        parts = place.replace("\\", "/").split("/")
        # The scores of ScoreFlow/12 with version 3 lie in v3-ScoreFlow-12.
        own = f"-{self.run.replace('/', '-')}"
        return self.snapshot in parts if self.snapshot else bool(self.run) and any(one.endswith(own) for one in parts)

    @property
    def told(self) -> str:
        """What is held, why and for whom, without its name."""
        return f"held for {self.who}: {self.reason}"


class Retention(Section):
    """For how many days `scarcegan prune` keeps what holds players; not set: for good."""

    snapshots: Positive | None = None
    """Days after its cut-off for which a snapshot is kept."""
    scores: Positive | None = None
    """Days for which the scores and the review list of a run are kept, with them the design of its audit sample."""
    runs: Positive | None = None
    """Days for which a run is kept, also one behind a release; pinned runs stay."""
    outcomes: Positive | None = None
    """Days after the decision for which an outcome is kept."""
    holds: tuple[Hold, ...] = ()
    """Legal holds, a table each."""

    def holds_on(self, place: str) -> list[Hold]:
        """Return the holds on a run's pathspec, or on a path with the name of a snapshot or of a run's scores."""
        return [hold for hold in self.holds if hold.names(place)]
