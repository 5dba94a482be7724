"""Look for known vulnerabilities of the locked packages; `make scan` runs it in the scanners' own environment.

Without a way to PyPI's database nothing can be known, and that is said. A vulnerability that is found fails.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
command += ["--format=json", "--requirement", str(ROOT / "requirements.lock")]
done = subprocess.run(command, capture_output=True, text=True, check=False)
try:
    packages = json.loads(done.stdout)["dependencies"]
except ValueError:
    sys.exit(f"expected pip-audit's report, got none:\n{done.stderr}")
asked = [package for package in packages if "vulns" in package]
found = [f"{one['name']} {one['version']}: {vuln['id']}" for one in asked for vuln in one["vulns"]]
print(f"known vulnerabilities: {len(asked)} of {len(packages)} packages could be looked up, {len(found)} found")
if found:
    sys.exit("\n".join([*found, "raise them with `make lock`, or say in this file why they do not matter"]))
