"""What the outcomes room hands on: an outcome, what was added or forgotten, agreement, what is known of production."""

from collections.abc import Sequence

from scarcegan import words
from scarcegan.evaluation.figures import Interval
from scarcegan.records import Record
from scarcegan.settings.words_section import USUAL, Words


class ScoredBy(Record):
    """The version of a registry group that has scored."""

    version: int
    definition: str
    group: str


class ListedSnapshot(Record):
    """The snapshot that was scored."""

    name: str
    cutoff: str


class Outcome(Record):
    """What one reviewer decided of one player in one snapshot, and why.

    Times are ISO, UTC: `when` it was decided, by which a later decision corrects an earlier one, and `recorded_at`,
    when it was added. The id is text, as `scarcegan.data.ids` writes it.
    """

    player_id: str
    snapshot: str
    decision: str
    reviewer: str
    when: str
    reason: str
    recorded_at: str


class Added(Record):
    """How many outcomes were added, and how many were there already."""

    added: int
    known: int


class Forgotten(Record):
    """The receipt of a player who was forgotten: how many outcomes went, and digests of the files before and after.

    `player` is a digest of group and id, by which later outcomes of the player are refused.
    """

    player: str
    at: str
    outcomes: int
    removed: Sequence[str]
    written: Sequence[str]


class Agreement(Record):
    """How often two reviewers decided alike of the players whom both have reviewed; None without such players.

    `kappa` is Cohen's, of what decisions mean; None where both always decided the same one thing.
    """

    reviewers: tuple[str, str]
    players: int
    alike: int
    share: Interval | None
    kappa: float | None


class Production(Record):
    """What outcomes tell of a champion on the snapshots that it has scored.

    Attributes:
        snapshots, cutoffs: what was scored, the earliest first.
        players: all who were scored, once for each snapshot.
        listed, reviewed: players of the top of the review lists, and those of them with a label.
        drawn, drawn_reviewed: the same of the audit sample.
        risky: reviewed players found risky, each once.
        prevalence: estimated share of risky players among all.
        precision, recall: of the top of the list.
        precision_flagged, recall_flagged: at the model's own threshold.
        recall_registered: what the release was registered with, at the threshold; None where it is not known.
        days_to_confirm: their median days from the first listing to the label 'risky'; None of nobody.
        cannot_tell: why estimates are missing; empty if none is.
        seen_once: drawn players whom one reviewer alone found risky.
    """

    version: int
    definition: str
    snapshots: Sequence[str]
    cutoffs: Sequence[str]
    players: int
    listed: int
    reviewed: int
    drawn: int
    drawn_reviewed: int
    risky: int
    prevalence: Interval | None
    precision: Interval | None
    recall: Interval | None
    precision_flagged: Interval | None
    recall_flagged: Interval | None
    recall_registered: float | None
    days_to_confirm: float | None
    cannot_tell: str
    seen_once: int = 0

    @property
    def confirmed(self) -> str:
        """The days to confirm, with the number of players whose median they are."""
        return f"{words.number(self.days_to_confirm)} ({words.count(self.risky)})" if self.risky else words.MISSING

    @property
    def doubts(self) -> list[str]:
        """Sentences on what to read with care."""
        told = [f"Version {self.version}: {self.cannot_tell}."] if self.cannot_tell else []
        if self.seen_once:
            told.append(
                f"Version {self.version}: drawn players whom one reviewer alone found risky: {self.seen_once} of "
                f"{self.drawn_reviewed}. Each stands for many, and so does a mistake: let another reviewer look."
            )
        return told


class OutcomeReport(Record):
    """What outcomes teach: each champion over all its snapshots, and each of its snapshots alone, in order of time.

    `settled` and `undecided` count a player once for each snapshot.
    """

    group: str
    outcomes: int
    reviewers: int
    settled: int
    undecided: int
    champions: Sequence[Production]
    periods: Sequence[Production]
    words: Words = USUAL
    without_meaning: Sequence[str] = ()

    @property
    def doubts(self) -> list[str]:
        """Sentences on what of the champions' figures to read with care, or why there are none."""
        doubts = [doubt for one in self.champions for doubt in one.doubts]
        if self.outcomes and not self.champions:
            doubts = ["Nobody with a label is on a list that is kept (scoring.folder): that says nothing of a model."]
        return [self.words.retell(doubt) for doubt in (*self.without_meaning, *doubts)]
