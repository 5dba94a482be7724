"""`scarcegan estimators`: list who may take part beside ScarceGAN, and check an estimator of your own."""

from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from scarcegan.cli.commands import Answer, answers
from scarcegan.cli.tables import fixed, narrow
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import Settings, load
from scarcegan.settings.estimators import Estimator, estimator_faults, known_estimators

app = typer.Typer(
    name="estimators",
    no_args_is_help=True,
    help="List the estimators that may take part beside ScarceGAN, and check one of your own.",
    epilog="A family is a part of the models, a rival is trained for comparison alone: docs/estimators.md.",
)


@answers(app, "list")
def list_estimators(settings: Settings) -> Answer:
    """List all estimators: what a run trains them as, and whether they are installed here."""
    from scarcegan.families.estimators import is_installed

    parts = {"family": settings.train.families, "rival": settings.evaluate.rivals}
    found, rows = [], []
    for one in known_estimators(settings.estimators).values():
        takes_part_as, installed = [part for part, names in parts.items() if one.name in names], is_installed(one)
        found.append({"name": one.name, "path": one.path, "takes_part_as": takes_part_as, "installed": installed})
        rows.append((one.name, one.path, ", ".join(takes_part_as) or "-", "yes" if installed else "no"))
    return Answer(found, narrow(fixed("name"), "class", "takes part as", "installed", rows=rows))


@answers(app)
def check(
    settings: Settings, which: Annotated[str, typer.Argument(metavar="NAME", help="Name, or package.module:Class.")]
) -> Answer:
    """Train an estimator on made-up players, and say what of the contract it breaks and whether it can be a family."""
    from scarcegan.families.contract import check_estimator

    told = check_estimator(_chosen(which, settings))
    if told.broken:
        raise DataProblem("\n".join(told.broken))
    role = "It can be a family, and a rival." if not told.rival_only else f"It can only be a rival: {told.rival_only}."
    return Answer(told, Group(*(Text(f"ok: {promise}") for promise in told.kept), Text(role)))


def _chosen(which: str, settings: Settings) -> Estimator:
    """Find a name that the settings know; a path is taken as `[[estimators]]` would take it."""
    from scarcegan.starting.guesses import slug  # pyarrow takes its time to load

    if ":" in which:
        return load({"estimators": [{"name": slug(which.partition(":")[2]), "path": which}]}).estimators[0]
    if faults := list(estimator_faults([which], settings.estimators)):
        raise SettingsProblem("\n".join(faults) + ", or package.module:Class")
    return known_estimators(settings.estimators)[which]
