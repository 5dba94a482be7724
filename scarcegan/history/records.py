"""What past runs tell the cards and the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from scarcegan import words
from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import Evaluation
from scarcegan.records import Bound, Record
from scarcegan.registry.release import Release
from scarcegan.registry.versions import Decision
from scarcegan.settings.words_section import USUAL, Words


class RunFacts(Record, kw_only=True):
    """One run: how it went, what made it, how well its models do. None: not made, or not to be read by this code.

    Attributes:
        created: ISO time, in UTC.
        status: `finished`, `failed` or `unfinished`, in `step`.
        origin_run: first run of a chain of resumes.
        overrides: settings that the run has laid over those of `config`, as `--set` takes them.
        data: fingerprint of its players.
        unread: artifacts that this code cannot read, each with the reason.
        settings, metrics: by dotted key; by definition and metric, on the first test set.
        headline: the definition that stands out at first.
        measured_on: how many test players the metrics are of.
        made_of: which families share the risk of each definition's model, in words.
    """

    run: str
    created: str
    user: str
    status: str
    step: str
    seconds: float | None = None
    origin_run: str | None = None
    commit: str | None = None
    config: str | None = None
    overrides: str | None = None
    data: str | None = None
    release: str | None = None
    money: float | None = None
    tags: Sequence[str] = ()
    unread: Sequence[str] = ()
    settings: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    headline: str | None = None
    last_words: str | None = None
    measured_on: str | None = None
    made_of: Mapping[str, str] = field(default_factory=dict)


class Figure(Record):
    """A metric of one model of a run, on the first test set, with 95 % interval and deviation from resampling players.

    Attributes:
        fold_mean, fold_std: of the folds' own choices on validation players; None where folds do not measure it.
        delta: less the first run's; None where that has no such figure.
        spread: root of both runs' squared deviations, from fold to fold if folds measure it.
    """

    run: str
    definition: str
    metric: str
    value: float
    low: float
    high: float
    std: float | None
    fold_mean: float | None = None
    fold_std: float | None = None
    delta: float | None = None
    spread: float | None = None

    @property
    def deviation(self) -> float | None:
        """From fold to fold, or where folds do not measure the metric, from resample to resample."""
        return self.std if self.fold_std is None else self.fold_std


class LearningCurve(Record):
    """A series of one fold's training over its iterations: median, 10 % and 90 % quantile of the healthy members."""

    run: str
    fold: int
    series: str
    iteration: Sequence[int]
    median: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


class MovedFeature(Record):
    """How far a feature's unlabelled players are from those of the first run; see `scarcegan.data.distances`."""

    run: str
    feature: str
    psi: float
    ks: float
    median_before: float | None
    median_now: float | None
    zero_share_before: float
    zero_share_now: float


class BestRun(Figure, kw_only=True):
    """The best run for one business definition, by the figure that the definition asks for.

    Attributes:
        group: registry group that the run registers in.
        bound: what test players say of the definition's bound; None without one.
        data: fingerprint of its players.
        runs: how many were compared.
        runner_up: the next best run; None where there is no other.
        lead: over it, negative if it reaches less but the other misses the bound; `spread` is the lead's.
        same_data: whether both have the same players.
    """

    group: str
    bound: Bound | None
    data: str | None
    runs: int = 1
    runner_up: str | None = None
    lead: float | None = None
    same_data: bool | None = None


class RunsCompared(Record, kw_only=True):
    """Runs side by side; the first is what the others are compared with.

    Attributes:
        settings: those that differ, by dotted key and run; None in a run that lacks one.
        drift: of the runs on other data than the first, the most moved feature first.
        data: fingerprint of the players by run; None where it is not known.
        unread: by run, artifacts that this code cannot read, each with the reason.
        headline: the definition that stands out at first; None where no run was evaluated.
        made_of: which families share the risk, in words, by run and definition; none of a run that was not evaluated.
        words: those of the first run that has been evaluated.
        tags: by run, those that people gave it.
    """

    runs: Sequence[str]
    settings: Mapping[str, Mapping[str, Any]]
    metrics: Sequence[Figure]
    curves: Sequence[LearningCurve] = ()
    drift: Sequence[MovedFeature]
    data: Mapping[str, str | None]
    best: Sequence[BestRun] = ()
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headline: str | None = None
    made_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    words: Words = USUAL
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def figure(self, run: str, definition: str, metric: str) -> Figure | None:
        """Return a figure, or None where the run was not evaluated."""
        sought = (run, definition, metric)
        return next((one for one in self.metrics if (one.run, one.definition, one.metric) == sought), None)

    @property
    def settings_in_words(self) -> list[list[str]]:
        """A row for each setting that differs: its key, then what it is in each run."""
        return [[key, *(words.setting(of[run]) for run in self.runs)] for key, of in self.settings.items()]

    def has_same_data(self, run: str) -> bool:
        """Tell whether a run is known to have the players of the first."""
        return self.data[run] is not None and self.data[run] == self.data[self.runs[0]]


class Dossier(Record):
    """What a reviewer reads before a run's release is approved.

    The release was `created` (ISO time) by a user's run; settings are by dotted key. `decisions` are those about each
    registered model, `3 (balanced)`, the oldest first; none while it waits for one.
    """

    run: str
    created: str
    user: str
    settings: Mapping[str, Any]
    data_report: DataReport
    evaluation: Evaluation
    release: Release
    decisions: Mapping[str, Sequence[Decision]]


class Package(Record):
    """A package that the project uses; an empty licence is not known."""

    name: str
    version: str
    licence: str = ""


class ReleaseFile(Record, kw_only=True):
    """All that is known of a release, for its compliance file.

    Attributes:
        group: of the registry.
        written_at: ISO time, in UTC.
        previous: the release before it, of which a model was approved if there is one; empty for the first.
        changes: that release's run beside this one's; None without one, or where it cannot be read: see `unread`.
        software, software_from: the packages, and what lists them.
    """

    group: str
    written_at: str
    dossier: Dossier
    previous: str
    changes: RunsCompared | None
    unread: str
    software: Sequence[Package]
    software_from: str
