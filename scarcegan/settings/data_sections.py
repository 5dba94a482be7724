"""Settings of the players: who they are, where they come from, how telemetry becomes their features."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from scarcegan.problems import nearest
from scarcegan.settings.aws_names import FeatureGroupName
from scarcegan.settings.section import IsoDate, Name, Positive, Section, Share

_KEY_PLACE = r"env:[A-Za-z_]\w*|secret:arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+"
TEST = "test"  # the table, and the rows, of test players


class Populations(Section):
    """The populations by name, as the input calls them."""

    # Labels are int8.
    negatives: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)] = ("dormant", "normal", "heavy")
    """Harmless labelled populations; their order is the class index order."""
    rare: Name = "risky"
    """The one rare population; its class index follows the negatives'."""
    unlabeled: Name = "unlabeled"
    """The population without labels."""

    def _faults(self) -> Iterator[str]:
        names = [*self.negatives, self.rare, self.unlabeled]
        if len({*names, "unknown", TEST}) < len(names) + 2:
            yield f"expected different population names ('unknown' and '{TEST}' are taken), got {names}: rename one"

    @property
    def classes(self) -> tuple[str, ...]:
        """Labelled class names in index order: negatives, then the rare class (unknown follows, unlabelled)."""
        return (*self.negatives, self.rare)

    @property
    def labels(self) -> dict[str, int]:
        """The label of each population: its class index, -1 of the unlabelled."""
        return {**{name: index for index, name in enumerate(self.classes)}, self.unlabeled: -1}

    @property
    def in_tables(self) -> tuple[str, ...]:
        """Names that tables of your own may have: the classes, the unlabelled, the test players."""
        return (*self.classes, self.unlabeled, TEST)


class OwnTable(Section):
    """One of your own tables; a plain text is its path."""

    path: Annotated[str, Field(min_length=1)]
    """A file or a folder of parts, local or `s3://`."""
    id_column: str = ""
    """Its column that names the player; empty: `data.id_column`."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Its columns that go by another name than in the other tables, `ours = "theirs"`."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    def _faults(self) -> Iterator[str]:
        theirs = [self.id_column, *self.columns.values()]
        if len(set(theirs)) < len(theirs):
            yield f"expected each of the table's columns under one name, got {theirs}: drop one"


class Data(Section):
    """Where the players come from, and how many of them are used."""

    source: Literal["simulated", "kdd99", "lootbox", "tables", "snapshot"] = "simulated"
    """Where players come from; `tables`: your own five tables, `snapshot`: what FeaturesFlow published."""
    path: str = ""
    """Folder or `s3://` prefix of the input (`snapshot`: its labels table); empty: the source's own default."""
    id_column: str = "player_id"
    """Column that names the player in `tables`."""
    id_key: str = ""
    """The key that makes ids unreadable as they are read: `env:NAME` or `secret:ARN`; empty: ids stay as they are."""
    tables: dict[str, OwnTable] = Field(default_factory=dict)
    """Where the table of a population (or `test`) lies, by its name; the others lie in the folder `data.path`."""
    label_column: str = ""
    """Column that names each row's population (none: unlabelled) where `data.path` is one table; empty: five tables."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What `label_column` says of a population, by its name, where it does not say the name: `risky = "1"`."""
    ignore_columns: tuple[str, ...] = ()
    """Columns that are no features; row numbers and constant ones are left out by themselves."""
    snapshot: str = ""
    """Name of the snapshot that source `snapshot` reads, below `snapshots.folder`."""
    labels_known_by: IsoDate = ""
    """ISO date: labels known by then are trained on, later ones kept for evaluation; empty: the cut-off."""
    test_share: Share = 0.2
    """Share of players held out for evaluation when the source brings no test set of its own."""
    max_unlabeled: Positive = 200_000
    """Unlabelled players kept for training; more are sampled down to this, by a hash of their ids and the seed."""
    assumed_harmless: Annotated[int, Field(ge=0)] = 0
    """Unlabelled players of `tables`, drawn by lot, who count as harmless where nobody has labelled any; 0: none."""
    outcomes: str = ""
    """Negative population of reviewed harmless players who have none; risky ones become rare; empty: not trained on."""
    prevalence: Share | None = None
    """Share of risky players among all players, if known; otherwise estimated, and said so."""

    def found_elsewhere(self, populations: Populations) -> set[str]:
        """Return the populations whose players need not stand in the input: others are drawn, or reviewed, for them."""
        return {self.outcomes} - {""} | (set(populations.negatives) if self.assumed_harmless else set())

    def faults(self, populations: Populations) -> Iterator[str]:
        """Say what of `id_key`, `tables`, `label_column`, `labels`, `assumed_harmless`, `outcomes` cannot be meant."""
        if self.id_key and not re.fullmatch(_KEY_PLACE, self.id_key):
            # Not what it got: that may be the key itself.
            yield (
                "expected data.id_key as 'env:NAME' or 'secret:ARN' (of AWS Secrets Manager), got something else: name "
                "where the key is, never the key"
            )
        yield from self._faults_of_tables(populations)
        if self.assumed_harmless and (self.source != "tables" or len(populations.negatives) > 1):
            yield (
                "data.assumed_harmless is for data.source 'tables' with one negative population, got "
                f"'{self.source}' with {list(populations.negatives)}: leave it out, or name one population"
            )
        if self.outcomes and self.source not in ("tables", "snapshot"):
            yield f"data.outcomes is for data.source 'tables' and 'snapshot', got '{self.source}': leave it out"
        if self.outcomes and self.outcomes not in populations.negatives:
            yield (
                f"data.outcomes is '{self.outcomes}', which is no negative population: name one of "
                f"{list(populations.negatives)}, or add it to populations.negatives as a class of its own"
            )

    def _faults_of_tables(self, populations: Populations) -> Iterator[str]:
        for key, names in {"tables": list(self.tables), "labels": list(self.labels)}.items():
            for name in names:
                if name not in populations.in_tables:
                    yield f"data.{key} names '{name}', which is no population: {nearest(name, populations.in_tables)}"
        if self.labels and not self.label_column:
            yield "data.labels says what stands in data.label_column, which is empty: name the column"
        if len(set(self.labels.values())) < len(self.labels):
            yield f"expected another value in data.labels for each population, got {self.labels}: change one"
        named = [f"data.{key}" for key in ("tables", "label_column") if getattr(self, key)]
        if named and self.source != "tables":
            yield f"{' and '.join(named)} is for data.source 'tables', got '{self.source}': set it, or leave it out"
        if len(named) > 1:
            yield (
                "data.label_column says that one table, at data.path, has all players, but data.tables names others: "
                "leave one out"
            )


class Simulated(Section):
    """The simulated players, used where `data.source` is `simulated`."""

    players: Annotated[int, Field(ge=200)] = 30_000
    """Simulated players."""
    days: Annotated[int, Field(ge=28)] = 90
    """Days of telemetry before the cut-off."""
    risky_share: Share = 0.01
    """Share of truly risky players."""
    labeled_risky: Positive = 80
    """Labelled risky players."""
    labeled_negatives: Positive = 400
    """Labelled players of each negative population."""
    drift: Annotated[float, Field(ge=0, le=1)] = 0.0
    """0: the process stays; 1: habits shift strongly, as a new season would."""


class Kdd99(Section):
    """KDD Cup 1999, used where `data.source` is `kdd99`."""

    task: Literal["r2l", "u2r"] = "r2l"
    """The rare attack class."""


class Lootbox(Section):
    """Real game telemetry, used where `data.source` is `lootbox`."""

    cutoff: Literal["2023-02-12", "2023-03-14", "2023-04-13"] = "2023-04-13"
    """Cut-off date: features see only earlier days."""


class Features(Section):
    """Which days the features see."""

    window_days: Annotated[int, Field(ge=28, le=730)] = 60
    """Observation window before the cut-off."""


class RoleNames(Section):
    """What each counter of the telemetry stands for."""

    activity: str = ""
    """Counter of how much is played; empty: the first counter."""
    intensity: str = ""
    """Counter of how hard, in a unit that grows with activity (stakes, for instance)."""
    night: str = ""
    """Counter of play at night."""
    loss: str = ""
    """Counter of what was lost; empty with `win` set: activity on days without a win."""
    win: str = ""
    """Counter of what was won."""
    deposit: str = ""
    """Counter of money paid in."""


class Telemetry(Section):
    """The telemetry that FeaturesFlow turns into snapshots."""

    path: str = ""
    """Parquet or CSV, a file or a folder of parts, local or `s3://`, $VARIABLES allowed; empty: simulated."""
    counters: tuple[str, ...] = ()
    """Columns to read as counters; empty: all but player_id and date."""
    cutoffs: Annotated[tuple[Annotated[IsoDate, Field(min_length=1)], ...], Field(min_length=1)] = ("2026-01-01",)
    """ISO dates: one snapshot for each, of the days before it."""
    shards: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Parts of a snapshot, by a hash of the player id; each is one task and must fit into its memory."""
    feature_set: Literal["catalogue", "prophet50"] = "catalogue"
    """All features, or only the published fifty columns' meaning, for teams that migrate."""
    roles: RoleNames = RoleNames(
        activity="sessions", intensity="bets", night="night_minutes", loss="losses", deposit="deposits"
    )
    """What the counters stand for; an empty role leaves its features out. Beside named ones, the others are empty."""

    def _faults(self) -> Iterator[str]:
        for name, values in (("counters", self.counters), ("cutoffs", self.cutoffs)):
            if twice := sorted({one for one in values if values.count(one) > 1}):
                yield f"expected different telemetry.{name}, got {twice} more than once: remove the others"
        if taken := sorted({"", "player_id", "date"} & set(self.counters)):
            yield f"expected counters in telemetry.counters, got {taken}: the player and the day are none"


# Begins the folders of rows that FeaturesFlow has sorted, beside the snapshots.
SORTED_TELEMETRY = ".telemetry-"


class Snapshots(Section):
    """Where snapshots are kept, and what they are called."""

    folder: str = ""
    """Where snapshots are, local or `s3://`; empty: `.scarcegan/snapshots/<registry.group>`."""
    prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)] = "players-"
    """Begins a snapshot's name; its cut-off date follows."""
    feature_group: FeatureGroupName = ""
    """SageMaker feature group (64 letters, digits, - and _) that also receives each snapshot; empty: none."""
    feature_group_role: str = ""
    """ARN of the role with which SageMaker writes the offline store; needed to create the feature group."""


class Scoring(Section):
    """Where ScoreFlow writes the scores, and whom it lists beside the highest ones."""

    folder: str = ""
    """Where scores are written, local or `s3://`; empty: `.scarcegan/scores/<registry.group>`."""
    audit_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the review list that is drawn at random from all players below its top; 0: the top alone."""
