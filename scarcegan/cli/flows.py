"""`scarcegan run`, `resume`, `score`, `features`: start the flows in the project that the working directory is in."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from scarcegan.cli.commands import Config, print_json
from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.problems import SettingsProblem
from scarcegan.project import project_root, run_flow, start_flow

app = typer.Typer()
# Arguments that Typer does not know are Metaflow's.
PASSED_ON: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "epilog": "Whatever else is typed goes on to the flow: --with batch, --tag NAME, the flow's own parameters.",
}
AsJson = Annotated[
    bool, typer.Option("--json", help="Print what came out as JSON; what the run says goes to stderr then.")
]
RUN_ID_FILE = "--run-id-file"


def _add_command(name: str, flow: str, command: str, told: Callable[[str], Any], about: str) -> None:
    """Add a command that becomes a flow's process; with `--json`, it prints what is `told` of the run, by its id."""

    @app.command(name, help=about, **PASSED_ON)
    def start(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
        root = project_root()
        if config is None and not (root / DEFAULT_CONFIG).is_file():
            raise SettingsProblem(
                f"expected {DEFAULT_CONFIG} in {root} or a folder above it, found none: go to your project, make one "
                "with `scarcegan new DIR --from TABLES`, or name a file with --config"
            )
        arguments = [*(["--config", "config", str(config)] if config else []), command, *context.args]
        if not as_json:
            start_flow(flow, arguments)
        elif any(word.split("=")[0] == RUN_ID_FILE for word in context.args):
            raise SettingsProblem(f"expected --json or {RUN_ID_FILE}, got both: leave one out, both tell the run")
        else:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "run-id"
                if code := run_flow(flow, [*arguments, RUN_ID_FILE, str(file)]):
                    raise typer.Exit(max(code, 1))  # negative: ended by a signal
                print_json(told(file.read_text()))


# Metaflow is imported after the run: it looks for the datastore, which the first run makes.


def _training(run_id: str) -> Any:
    from scarcegan import history

    return history.facts_of_run(run_id)


def _scoring(run_id: str) -> Any:
    from scarcegan.workflow.scoring.records import ScoreReport

    report = ScoreReport.from_plain(_made("ScoreFlow", run_id, "report", "score_report"))
    return {**report.flat(), "decision": _made("ScoreFlow", run_id, "report", "decision")}


def _snapshots(run_id: str) -> Any:
    from scarcegan.cli.snapshots import facts_of
    from scarcegan.snapshots import Manifest

    return [facts_of(Manifest.from_plain(one)) for one in _made("FeaturesFlow", run_id, "publish", "snapshots")]


def _made(flow: str, run_id: str, step: str, name: str) -> Any:
    from scarcegan.history.artifacts import artifact_of
    from scarcegan.history.client import find_run

    return artifact_of(find_run(f"{flow}/{run_id}"), step, name)


_add_command("run", "retrain", "run", _training, "Retrain, and register the models for approval.")
_add_command("resume", "retrain", "resume", _training, "Go on with a retraining that has failed.")
_add_command(
    "score",
    "score",
    "run",
    _scoring,
    "Score a snapshot with the champion, list whom to look at first, and watch for drift.",
)
_add_command("features", "features", "run", _snapshots, "Turn telemetry into snapshots of features.")
