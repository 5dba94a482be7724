"""`scarcegan preflight`: what would stop a run on AWS Batch, and what the run is expected to cost."""

import os

import typer
from rich.text import Text

from scarcegan.cli.answers import console
from scarcegan.cli.options import Config, settings_of
from scarcegan.cli.tables import narrow

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def preflight(config: Config = None) -> None:
    """Check in seconds what a run with `--with batch` needs, and say what it is expected to cost."""
    # boto3 and pyarrow take their time to load; the other commands do without.
    from scarcegan.costs import estimate
    from scarcegan.preflight import before_launch

    chosen = settings_of(config)
    findings = before_launch(chosen, os.environ)
    expected = estimate(chosen.resources, chosen.prices, chosen.folds, chosen.train)
    rows = [(one.what, Text(one.state, style=STYLES[one.state]), one.found, one.advice) for one in findings]
    console().print(narrow("check", "", "found", "what to do", rows=rows), Text(expected.sentence))
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)
