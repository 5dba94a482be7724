"""The file of a release for the compliance officer: a model card, then what is known under each heading of Annex IV.

The headings are those of Annex IV of Regulation (EU) 2024/1689, the AI Act. What the project cannot know is said.
"""

from typing import Any

from metaflow.cards import Markdown

from cards import evaluation_parts, review_report, theme
from cards.evaluate_card import measured_on, subgroup_part
from cards.evaluation_groups import groups_part
from cards.theme import Part
from scarcegan import words
from scarcegan.evaluation.figures import AT_THRESHOLD
from scarcegan.evaluation.records import Evaluation
from scarcegan.history.records import Figure, ReleaseFile, RunsCompared

COMPARED = ("recall", "precision", "flagged_share", "pr_auc")
AFTER_RELEASE = ("monitoring.", "outcomes.")
# The headings, and what no record says of them. All texts are filled with the run's words.
HEADINGS = {
    "1. General description of the system": "The provider's name and address, the deployers, how the system reaches "
    "them; the instructions for use.",
    "2. Elements of the system, and how it was developed": "Agreements with providers of data, the legal basis of the "
    "data, and how those concerned were told.",
    "3. Monitoring, functioning and control": "Where {reviewers} see the list; how they were trained; who may stop the "
    "system.",
    "4. Why these performance metrics": "Whether the organisation, and those concerned, find them appropriate.",
    "5. Risk management system (Article 9)": "The organisation's risk management file.",
    "6. Changes through the lifecycle": "Changes of other systems around this one, and those planned from the start.",
    "7. Harmonised standards": "Which standards, if any, were applied.",
    "8. EU declaration of conformity (Article 47)": "The declaration, and whether one was drawn up.",
    "9. Monitoring after the release (Article 72)": "The plan of Article 72(3); reports of serious incidents.",
}
UNDECIDED = (
    "Written from records of the run and the registry; nothing was typed in for it. Whether the system is high-risk "
    "(Article 6) is for people to decide, and so is whether this page is enough. What is in no record is listed under "
    "each heading, for somebody to add."
)
OVERSIGHT = (
    "The model ranks; {a_reviewer} looks at each {row} on the list and decides. No measure follows from a score.",
    "Each {row} on the list comes with reasons: what of it raised the score most.",
    "A person approves each model before it scores: who, when and why is kept for good (under 6). "
    "`scarcegan models rollback` puts the model before it back at once.",
)
METRICS_IN_WORDS = (
    "**Recall** is the share of {rare} {rows} {who} are found: what is missed is harm that goes on. **Precision** is "
    "the share of flagged {rows} {who} are {rare}: the others are looked at without cause. The **flagged share** is "
    "the work of {reviewers}, bound by the review budget. Accuracy is not used: where so few are {rare}, a model that "
    "flags {nobody} reaches nearly all of it. **PR-AUC** compares rankings whatever the threshold, on the same test "
    "{rows} as rivals and champions. Each figure has a 95 % interval; a comparison that the test cannot decide is "
    "called a tie."
)
AFTER = (
    "Each scoring compares the scored {rows} with those that the model was trained on, and says whether to retrain; "
    "outcomes of reviews and of a random audit sample give recall and precision in production (`scarcegan outcomes "
    "report`). What the run's record has of these settings:"
)


def compliance_page(file: ReleaseFile) -> list[Any]:
    """Build the compliance file of a release."""
    their, release = file.dossier.evaluation.words, file.dossier.release.release_id
    made = f"Release `{release}` of `{file.group}`, written {words.moment(file.written_at)} UTC."
    known = [_general(file), _development(file), _control(file), [Markdown(their.fill(METRICS_IN_WORDS))]]
    known += [_risks(file), _changes(file), [], [], _after(file)]
    parts: list[Any] = [Markdown(f"{made} {UNDECIDED}"), *_model_card(file)]
    for (heading, missing), section in zip(HEADINGS.items(), known, strict=True):
        parts += [Markdown(f"# {heading}"), *section, Markdown(f"**In no record:** {their.fill(missing)}")]
    return theme.page("Technical documentation (AI Act, Annex IV)", parts)


def _model_card(file: ReleaseFile) -> list[Any]:
    """Build the model card of the headline model.

    Source: M. Mitchell et al., Model cards for model reporting, 2019.
    """
    dossier, report, evaluation = file.dossier, file.dossier.data_report, file.dossier.evaluation
    their, name = evaluation.words, evaluation.headline
    measures = evaluation.on_first_test_set(name)
    shown = (f"{words.metric_name(one)} {words.interval(one, getattr(measures, one))}" for one in AT_THRESHOLD)
    tables = evaluation.attribute_groups.tables if evaluation.attribute_groups else []
    factors = [one.attributes[0] for one in tables if len(one.attributes) == 1]
    factors += [one.feature for one in (evaluation.subgroups.features if evaluation.subgroups else [])]
    made = f"{evaluation.models[name].made_of}; made {words.moment(dossier.created)} by {dossier.user}"
    table = theme.facts(
        ("Model", made),
        ("Versions", ", ".join(file.dossier.decisions)),
        ("Intended use", evaluation.purpose),
        ("Not intended", their.fill(review_report.LIMITS[0])),
        ("Factors", ", ".join(map(words.feature_name, factors)) or their.fill("no {rows} were measured apart")),
        ("Metrics", f"{name} on {measures.counted(their)}: {', '.join(shown)}"),
        ("Evaluation data", f"test set '{evaluation.test_sets[0]}', seen neither in training nor in selection"),
        ("Training data", f"{words.count(report.players)} {their.rows} from source '{report.source}', see 2"),
        ("Ethical considerations", "harms of mistakes and human oversight, see 3"),
        ("Caveats", "limits of use, and bounds that cannot be promised, see 3"),
    )
    return [Markdown("# Model card"), table]


def _general(file: ReleaseFile) -> list[Any]:
    evaluation = file.dossier.evaluation
    budget = f"Review budget: {words.percent(evaluation.review_budget)} of {evaluation.words.rows}."
    before = f"It follows `{file.previous}`." if file.previous else "It is the first release of its group."
    return [
        Markdown(f"{evaluation.purpose} {budget} {before} Each model serves a business definition of its own:"),
        theme.bullets(f"`{name}`: {model.describe}." for name, model in evaluation.models.items()),
        *review_report.origin(file.dossier.release),
        *_software(file),
    ]


def _software(file: ReleaseFile) -> list[Any]:
    rows = [[one.name, one.version, one.licence or "not known"] for one in file.software]
    note = (
        f"By {file.software_from}, of the code that wrote this page; the release was made by the commit above. A "
        "licence is what the package states."
    )
    listed = theme.table(["Package", "Version", "Licence"], rows)
    return Part(f"Software bill of materials: {words.plural(len(rows), 'package')}", note, [listed]).folded()


def _development(file: ReleaseFile) -> list[Any]:
    dossier = file.dossier
    labels = dossier.release.lineage.labels_known_by
    known = f"Labels count that were known by {labels}." if labels else "By when the labels were known is not recorded."
    return [
        *review_report.method(dossier),
        *review_report.about_data(dossier.data_report, dossier.evaluation),
        Markdown(f"Fingerprint of these {dossier.evaluation.words.rows}: `{dossier.data_report.fingerprint}`. {known}"),
        theme.heading("Computing resources", dossier.release.lineage.cost or "What the run cost is not recorded."),
    ]


def _control(file: ReleaseFile) -> list[Any]:
    evaluation, their = file.dossier.evaluation, file.dossier.evaluation.words
    share = file.dossier.settings.get("scoring.audit_share")
    drawn = f"{words.percent(share)} of the list is drawn at random from all other {their.rows}, to find misses."
    audit = drawn if share else "No record says that an audit sample is drawn, by which misses would be found."
    details = [*(measured_on(evaluation, name) for name in evaluation.test_sets), subgroup_part(evaluation)]
    return [
        theme.heading("How well it works", evaluation_parts.basis(evaluation)),
        theme.bullets(theme.unbroken(one.sentence) for one in evaluation.verdicts.values()),
        *evaluation_parts.verdict_tables(evaluation),
        *(component for part in details for component in part.folded()),
        *_groups(evaluation),
        *review_report.limits(evaluation),
        *review_report.harms(evaluation),
        theme.heading("Human oversight"),
        theme.bullets([*map(their.fill, OVERSIGHT), audit]),
    ]


def _groups(evaluation: Evaluation) -> list[Any]:
    """Show accuracy by group, which Annex IV asks for, or say that nobody has measured it."""
    missing = "Not measured: no table of attributes, such as age bands or regions, was given (`evaluate.attributes`)."
    parts = groups_part(evaluation) or [Part("Accuracy for groups of persons", missing, [])]
    return [component for part in parts for component in part.shown()]


def _risks(file: ReleaseFile) -> list[Any]:
    warnings = file.dossier.release.warnings
    measured = Markdown("What was measured is under 3: harms of mistakes, limits of use, accuracy for groups.")
    return [measured, *([theme.bullets(warnings, "The run warned of")] if warnings else [])]


def _changes(file: ReleaseFile) -> list[Any]:
    told = "There is no release before this one."
    if file.previous:
        told = f"`{file.previous}` is of the same run: data and settings are the same."
    if file.unread:
        told = f"What changed since `{file.previous}` is not known: {file.unread}."
    changed = _since(file.changes, file.previous) if file.changes else [Markdown(told)]
    return [*changed, *review_report.approval(file.dossier)]


def _since(changes: RunsCompared, previous: str) -> list[Any]:
    before, now = changes.runs
    same = "the same" if changes.has_same_data(now) else "others"
    moved = [one for one in changes.drift if one.psi > theme.STABLE_PSI][:5]
    named = ", ".join(f"{words.feature_name(one.feature)} ({words.score(one.psi)})" for one in moved) or "none"
    far = f"; features that moved (PSI above {theme.STABLE_PSI}): {named}" if changes.drift else ""
    rows = [
        [name, *(_moved(changes.figure(before, name, one), changes.figure(now, name, one)) for one in COMPARED)]
        for name in dict.fromkeys(one.definition for one in changes.metrics)
    ]
    headers = ["Setting", f"Before (run {before})", f"Now (run {now})"]
    return [
        theme.heading(f"Since {previous}", f"The {changes.words.rows} are {same}{far}."),
        theme.table(headers, changes.settings_in_words) if changes.settings else Markdown("All settings are the same."),
        Markdown("Each model before and now, each on its own test; ± what both runs' folds differ by:"),
        theme.table(["Model", *map(words.metric_name, COMPARED)], rows),
    ]


def _moved(old: Figure | None, new: Figure | None) -> str:
    """Write a figure before and now, and the difference: 40 % → 60 %; +20.0 ± 8.5 points."""
    if old is None or new is None:
        return words.MISSING
    before, now = (words.metric_value(one.metric, one.value) for one in (old, new))
    return f"{before} → {now}; {words.difference(new.metric, new.delta, new.spread)}"


def _after(file: ReleaseFile) -> list[Any]:
    settings = {key: value for key, value in file.dossier.settings.items() if key.startswith(AFTER_RELEASE)}
    listed = theme.facts(*((key, words.setting(value)) for key, value in settings.items()))
    return [Markdown(file.dossier.evaluation.words.fill(AFTER)), listed if settings else Markdown("Nothing.")]
