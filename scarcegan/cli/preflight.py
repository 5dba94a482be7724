"""`scarcegan preflight`: what would stop a run on AWS Batch, and what the run is expected to cost."""

import os
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from scarcegan.cli.answers import console
from scarcegan.cli.options import Config, settings_of

if TYPE_CHECKING:
    from scarcegan.preflight import Finding

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def preflight(config: Config = None) -> None:
    """Check in seconds what a run with `--with batch` needs, and say what it is expected to cost."""
    # boto3 and pyarrow take their time to load; the other commands do without.
    from scarcegan.costs import estimate
    from scarcegan.preflight import before_launch

    chosen = settings_of(config)
    findings = before_launch(chosen, os.environ)
    expected = estimate(chosen.resources, chosen.prices, chosen.folds, chosen.train)
    console().print(_report(findings), Text(expected.sentence))
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


def _report(findings: "list[Finding]") -> Table:
    table = Table("check", "", "found", "what to do", box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        state = Text(finding.state, style=STYLES[finding.state])
        table.add_row(Text(finding.what), state, Text(finding.found), Text(finding.advice))
    return table
