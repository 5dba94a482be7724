"""What a reviewer reads before a release is approved, built from the cards' parts."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown

from cards import evaluation_parts, theme
from cards.evaluate_card import families_part, folds, measured_on, subgroup_part
from cards.evaluation_groups import groups_part
from cards.preprocess_card import attention, label_origins, population_table
from cards.register_card import lineage_table
from scarcegan import words
from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import Evaluation
from scarcegan.history.records import Dossier
from scarcegan.registry.release import Release

NETWORKS = ("model.objective", "model.variant", "model.trunk", "model.thresholds")
METHOD = (*NETWORKS, "folds.k", "train.families", "train.members", "train.iterations", "seed")
# The texts below are filled with the run's words.
HARMS = (
    "**Harmless {rows} {who} are flagged.** {They} may be contacted, watched or limited without cause: a loss of "
    "trust, and {reviewers}' time that {rows} at risk do not get. No measure against a {row} may follow from the score "
    "alone; {a_reviewer} looks at each, and {concerned} can object.",
    "**{Rare} {rows} {who} are missed.** {They} get no help in time, and harm goes on. A low score is no clearance: "
    "other ways to ask for help and to report a {row} must stay open, whatever the model says.",
)
LIMITS = (
    "It ranks {rows} for {reviewers} to look at. It diagnoses nobody, and is not made for punishment, credit or "
    "marketing.",
    "It holds for {rows} described by the same features, computed in the same way, from a {season} like the one it was "
    "trained on. Watch the drift report; retrain when it says so.",
    "The labels of harmless {rows} are weak, and only those {rare} {rows} count as {rare} {who} are known.",
)
METHOD_IN_WORDS = (
    "Ensembles of families: ScarceGAN, a semi-supervised GAN for rare classes, and estimators such as trees beside it. "
    "Each fold trains them on the others' {rows}; ScarceGAN's members and iterations, the families' shares and the "
    "threshold are chosen on validation {rows}, never on test {rows}. Intervals are 95 %: Wilson's for shares of "
    "counted {rows}, otherwise from resampling the test {rows}."
)


def review_report(dossier: Dossier) -> list[Any]:
    """Build the report of a run."""
    evaluation, their = dossier.evaluation, dossier.evaluation.words
    budget = f"Review budget: {words.percent(evaluation.review_budget)} of {their.rows}."
    parts = [
        Markdown(f"Made {words.moment(dossier.created)} by {dossier.user}; written from what the registry keeps."),
        theme.bullets(theme.unbroken(verdict.sentence) for verdict in evaluation.verdicts.values()),
        theme.heading("Purpose", f"{evaluation.purpose} {budget} Each model serves a business definition of its own:"),
        *evaluation_parts.verdict_tables(evaluation),
        Markdown(evaluation_parts.basis(evaluation)),
        *about_data(dossier.data_report, evaluation),
        *method(dossier),
        *(one for test_set in evaluation.test_sets for one in measured_on(evaluation, test_set).shown()),
        *(one for part in families_part(evaluation) for one in part.shown()),
        *folds(evaluation),
        *limits(evaluation),
        *harms(evaluation),
        *(subgroup_part(evaluation).shown() if evaluation.subgroups else []),
        *(one for part in groups_part(evaluation) for one in part.shown()),
        *origin(dossier.release),
        *approval(dossier),
    ]
    return theme.page(f"Review of run {dossier.run}", parts)


def about_data(report: DataReport, evaluation: Evaluation) -> list[Any]:
    """Say who the players are, where they come from and what was odd about them."""
    their = evaluation.words
    about = (
        f"{words.count(report.players)} {their.rows} with {report.features} features from source '{report.source}', "
        f"cut-off {report.cutoff or 'not known'}. Share of {their.rare_rows} among all: "
        f"{evaluation.prevalence.in_words()}."
    )
    tests = [
        f"Test set '{one.name}': {their.counted(one.players)}, {words.count(one.risky)} {their.rare}."
        for one in report.test_sets
    ]
    return [
        theme.heading("Data", about),
        population_table(report),
        *label_origins(report),
        theme.bullets(tests),
        attention(report),
    ]


def method(dossier: Dossier) -> list[Any]:
    """Say how the models were made, and without which families and rivals of the settings."""
    made = [f"`{name}`: {model.made_of}." for name, model in dossier.evaluation.models.items()]
    made_with = dossier.settings
    settings = "; ".join(f"`{key}` = {words.setting(made_with[key])}" for key in METHOD if key in made_with)
    # Behind the warnings of the data, which are told above: a registry may have cut them short.
    left_out = dossier.release.warnings[len(dossier.data_report.warnings) :]
    return [
        theme.heading("Method", dossier.evaluation.words.fill(METHOD_IN_WORDS)),
        theme.bullets([*made, f"Settings: {settings}."]),
        *([theme.bullets(left_out, "Left out")] if left_out else []),
    ]


def limits(evaluation: Evaluation) -> list[Any]:
    """Say what the models are not for, and which bounds do not hold."""
    their = evaluation.words
    own_limits = [
        f"`{name}`: {words.bound(found, their.rows)}; {model.promise.why_not or 'approve with care'}."
        for name, model in evaluation.models.items()
        if model.promise
        and (found := model.bound.get(evaluation.test_sets[0]))
        and (found.state == "missed" or not found.is_promised)
    ]
    return [theme.heading("Limits of use"), theme.bullets([*own_limits, *map(their.fill, LIMITS)])]


def harms(evaluation: Evaluation) -> list[Any]:
    """Count the mistakes of each kind, and say what they do."""
    rows, their = [], evaluation.words
    for name in evaluation.models:
        test = evaluation.on_first_test_set(name)
        flagged, precision, recall = test.flagged_share, test.precision, test.recall
        harmless = [flagged.value * (1 - one) for one in (precision.value, precision.high, precision.low)]
        missed = [test.prevalence * (1 - one) for one in (recall.value, recall.high, recall.low)]
        rows.append([name, *map(_of_10_000, ([flagged.value, flagged.low, flagged.high], harmless, missed))])
    table = theme.table(["Model", "Flagged", "Flagged, but harmless", their.fill("{Rare}, but missed")], rows)
    about = (
        f"Of 10,000 {their.rows}, at each model's threshold. Brackets: by the 95 % interval of the flagged share, of "
        "precision and of recall, each alone."
    )
    if not evaluation.on_first_test_set(evaluation.headline).truth_known:
        share = evaluation.prevalence.in_words()
        about += f" The last two columns go by a share of {their.rare_rows} of {share}; brackets take it as it is."
    return [theme.heading("Harms of mistakes", about), table, Markdown("\n\n".join(map(their.fill, HARMS)))]


def _of_10_000(shares: Sequence[float]) -> str:
    value, low, high = (words.count(10_000 * one) for one in shares)
    return f"{value} [{low}, {high}]"


def origin(release: Release) -> list[Any]:
    """Say what the release was made of, and by which code."""
    about = f"Release `{release.release_id}` in {release.registry}."
    return [theme.heading("Where it comes from", about), lineage_table(release.lineage)]


def approval(dossier: Dossier) -> list[Any]:
    """List who decided what about each model."""
    rows = []
    for version, events in dossier.decisions.items():
        for event in events:
            who = event.who if event.identity in ("", event.who) else f"{event.who} ({event.identity})"
            decided = event.status.lower() + (" (forced)" if event.forced else "")
            rows.append([version, decided, who, event.why, words.moment(event.at)])
        if not events:
            rows.append([version, "waits for a decision", "", "", ""])
    return [theme.heading("Who approved it"), theme.table(["Version", "Decision", "By", "Why", "When (UTC)"], rows)]
