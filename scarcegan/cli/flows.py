"""`scarcegan run`, `resume`, `score`, `features`: start the flows in the project that the working directory is in."""

from pathlib import Path
from typing import Annotated, Any

import typer

from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.problems import SettingsProblem
from scarcegan.project import project_root, start_flow

app = typer.Typer()
# Arguments that Typer does not know are Metaflow's.
PASSED_ON: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "epilog": "Whatever else is typed goes on to the flow: --with batch, --tag NAME, the flow's own parameters.",
}
Config = Annotated[Path | None, typer.Option("--config", help="Settings file.", show_default=DEFAULT_CONFIG)]


@app.command(**PASSED_ON)
def run(context: typer.Context, config: Config = None) -> None:
    """Retrain, and register the models for approval."""
    _start("retrain", "run", config, context)


@app.command(**PASSED_ON)
def resume(context: typer.Context, config: Config = None) -> None:
    """Go on with a retraining that has failed."""
    _start("retrain", "resume", config, context)


@app.command(**PASSED_ON)
def score(context: typer.Context, config: Config = None) -> None:
    """Score a snapshot with the champion, list whom to look at first, and watch for drift."""
    _start("score", "run", config, context)


@app.command(**PASSED_ON)
def features(context: typer.Context, config: Config = None) -> None:
    """Turn telemetry into snapshots of features."""
    _start("features", "run", config, context)


def _start(flow: str, command: str, config: Path | None, context: typer.Context) -> None:
    """Become the flow's process; a SettingsProblem where no settings file is named and the project has none."""
    root = project_root()
    if config is None and not (root / DEFAULT_CONFIG).is_file():
        raise SettingsProblem(
            f"expected {DEFAULT_CONFIG} in {root} or a folder above it, found none: go to your project, make one with "
            "`scarcegan new DIR --from TABLES`, or name a file with --config"
        )
    start_flow(flow, [*(["--config", "config", str(config)] if config else []), command, *context.args])
