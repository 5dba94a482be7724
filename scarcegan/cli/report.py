"""`scarcegan report`: what a reviewer reads before a release is approved."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.cli.answers import console
from scarcegan.cli.options import Run
from scarcegan.cli.pages import write_page
from scarcegan.problems import HistoryProblem


def report(
    reference: Run,
    html: Annotated[Path | None, typer.Option(help="File to write.", show_default="report-RUN.html")] = None,
) -> None:
    """Write a run's report for reviewers, one page: purpose, data, metrics, limits, harms, lineage, approver."""
    from cards.review_report import review_report

    dossier = collect(reference)
    file = html or Path(f"report-{dossier['run']}.html")
    write_page(review_report(dossier), file)
    console().print(f"Wrote {file}")


def collect(reference: str) -> dict[str, Any]:
    """Return what the run, and the registry that its settings name, tell a reviewer; plain data.

    Raises:
        HistoryProblem: no such run, or it was not evaluated.
        RegistryProblem: the registry cannot be read.
    """
    from scarcegan import history
    from scarcegan.aws.model_card import model_card

    row = history.show(reference)
    evaluation, release = history.artifact(row["run"], "evaluation"), history.artifact(row["run"], "release")
    if evaluation is None:
        raise HistoryProblem(
            f"expected an evaluated run, got {row['run']}, {row['status']} in {row['step']}: resume it or take another"
        )
    facts = {key: str(value) for key, value in (release or {"lineage": {}})["lineage"].items()}
    return {
        "run": row["run"],
        "created": f"{row['created']:%Y-%m-%d %H:%M}",
        "user": row["user"],
        "settings": {name.partition(".")[2]: row[name] for name in row.index if name.startswith("settings.")},
        "data_report": history.artifact(row["run"], "data_report"),
        "evaluation": evaluation,
        "release": release,
        "cards": {name: json.loads(model_card(evaluation, name, facts)) for name in evaluation["models"]},
        "versions": _versions(history.artifact(row["run"], "settings"), release),
    }


def _versions(tree: dict[str, Any], release: dict[str, Any] | None) -> list[dict[str, Any]]:
    if release is None:
        return []
    registry = open_registry(settings.load(tree).registry)
    return [
        {"version": one.version, "definition": one.definition}
        | {"decisions": [asdict(event) for event in registry.events(one.version)]}
        for one in registry.versions(release_id=release["release_id"])
    ]
