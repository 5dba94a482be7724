"""`scarcegan report`: what a reviewer reads before a release is approved."""

from pathlib import Path
from typing import Annotated

import typer

from scarcegan import history, settings, words
from scarcegan.backends import open_registry
from scarcegan.cli.answers import console, write_page
from scarcegan.cli.options import Run
from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import Evaluation
from scarcegan.history.records import DecidedVersion, Dossier
from scarcegan.problems import HistoryProblem
from scarcegan.registry.release import Release


def report(
    reference: Run,
    html: Annotated[Path | None, typer.Option(help="File to write.", show_default="report-RUN.html")] = None,
) -> None:
    """Write a run's report for reviewers, one page: purpose, data, metrics, limits, harms, lineage, approver."""
    from cards.review_report import review_report

    dossier = collect(reference)
    file = html or Path(f"report-{dossier.run}.html")
    write_page(review_report(dossier), file)
    console().print(f"Wrote {file}")


def collect(reference: str) -> Dossier:
    """Return what the run, and the registry that its settings name, tell a reviewer.

    A `Problem` says that the run does not exist or was not evaluated, or what cannot be read.
    """
    facts = history.facts_of_run(reference)
    evaluation, release = history.artifact(facts.run, "evaluation"), history.artifact(facts.run, "release")
    if evaluation is None:
        raise HistoryProblem(
            f"expected an evaluated run, got {facts.run}, {facts.status} in {facts.step}: resume it or take another"
        )
    registered = release and Release.from_plain(release)
    versions: list[DecidedVersion] = []
    if registered:
        registry = open_registry(settings.load(history.artifact(facts.run, "settings")).registry)
        found = registry.versions(release_id=registered.release_id)
        versions = [DecidedVersion(one.version, one.definition, registry.events(one.version)) for one in found]
    return Dossier(
        run=facts.run,
        created=words.moment(facts.created),
        user=facts.user,
        settings={key: words.setting(value) for key, value in facts.settings.items()},
        data_report=DataReport.from_plain(history.artifact(facts.run, "data_report")),
        evaluation=Evaluation.from_plain(evaluation),
        release=registered,
        versions=versions,
    )
