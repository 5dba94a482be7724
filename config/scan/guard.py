"""Check the templates against `rules.guard`; `make scan` runs it in the scanners' own environment."""

import sys
from pathlib import Path

import cfn_guard_rs
import yaml

HERE = Path(__file__).parent
failed = []
for template in sorted((HERE.parent / "aws").glob("*.yaml")):
    found = cfn_guard_rs.run_checks(yaml.safe_load(template.read_text()), (HERE / "rules.guard").read_text())
    failed += [f"{template.name}: {clause.Rule.name}" for clause in found.not_compliant]
    print(f"{template.name}: {len(found.compliant)} rules hold, {len(found.not_applicable)} do not apply")
if failed:
    sys.exit("Not so: " + "; ".join(failed) + " (config/scan/rules.guard)")
