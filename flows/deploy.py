"""Deploy the flows to AWS Step Functions: `python flows/deploy.py --config our.toml --to prod`, `... --dry-run`."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import checkout  # noqa: F401 - the package beside it, not another checkout's

from scarcegan.aws.account import metaflow_variables
from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.preflight.targets import shared_places
from scarcegan.problems import Problem
from scarcegan.settings import load, parse, text_of
from scarcegan.settings.aws_names import LONGEST_STATE_MACHINE
from scarcegan.storage import is_s3

FLOWS = {"features": "FeaturesFlow", "score": "ScoreFlow", "retrain": "RetrainFlow"}
# Metaflow's branches of a project: the user's own is dev.
BRANCHES = {"dev": [], "staging": ["--branch", "staging"], "prod": ["--production"]}
ROLE = "arn:aws:iam::000000000000:role/not-set"
JOBS_ROLE = "METAFLOW_ECS_S3_ACCESS_IAM_ROLE"
# What Metaflow deploys with, and what stands for it in a dry run where it is not set.
NEEDED = {
    "METAFLOW_DATASTORE_SYSROOT_S3": "s3://not-set/metaflow",
    "METAFLOW_BATCH_JOB_QUEUE": "not-set",
    "METAFLOW_BATCH_CONTAINER_IMAGE": "not-set",
    JOBS_ROLE: ROLE,
    "METAFLOW_SFN_IAM_ROLE": ROLE,
    "METAFLOW_SFN_DYNAMO_DB_TABLE": "not-set",
    "METAFLOW_EVENTS_SFN_ACCESS_IAM_ROLE": ROLE,
    "METAFLOW_SERVICE_URL": "http://not-set",
}


def main():
    """Deploy, or show what would be deployed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path(DEFAULT_CONFIG), help="TOML file of settings.")
    parser.add_argument("--to", choices=BRANCHES, default="dev", help="dev is yours alone.")
    parser.add_argument("--dry-run", action="store_true", help="Compile on this machine, create nothing.")
    chosen = parser.parse_args()
    try:
        settings = load(parse(text_of(chosen.config)))
    except Problem as problem:
        sys.exit(f"{chosen.config} cannot be deployed: {problem}")
    variables = metaflow_variables(os.environ)
    to_mend = [*unmet(settings, variables), *too_long(settings, variables, chosen.to)]
    if chosen.dry_run:
        show(settings, variables, chosen.config, chosen.to)
        print(*(["Before it can be deployed:", *to_mend] if to_mend else ["Nothing was created."]), sep="\n  ")
    elif to_mend:
        sys.exit("\n  ".join(["Nothing was deployed:", *to_mend]))
    else:
        deploy(settings, variables, chosen.config, chosen.to)


def unmet(settings, variables):
    """List what must be changed before the flows can be deployed, each with what to do."""
    unset = [name for name in NEEDED if not variables.get(name)]
    todo = [f"export the outputs of config/aws/stack.yaml: {', '.join(unset)} not set"] if unset else []
    if settings.registry.kind == "local":
        todo.append("set registry.kind = 'sagemaker': a local registry is gone with the job that writes it")
    places = {name: place for flow in FLOWS.values() for name, place in shared_places(settings, flow).items()}
    local = [name for name, place in places.items() if not is_s3(place)]
    return todo + [f"set {name} to an s3:// prefix: a job's disk is gone with the job" for name in local]


def too_long(settings, variables, to):
    """Say which state machine's name Metaflow would cut, so that neither the stack's policies nor ScoreFlow know it."""
    from metaflow.util import get_username

    project, prefix = settings.deployment.project, variables.get("METAFLOW_SFN_STATE_MACHINE_PREFIX") or ""
    begin = project if project.startswith(prefix) else f"{prefix}_{project}"
    branch = {"dev": f"user.{variables.get('METAFLOW_OWNER') or get_username()}", "staging": "test.staging"}.get(to, to)
    longest = max((f"{begin}.{branch}.{flow}" for flow in FLOWS.values()), key=len)
    if (over := len(longest) - LONGEST_STATE_MACHINE) > 0:
        shorter = "METAFLOW_OWNER, your user name," if to == "dev" else "deployment.project"
        yield f"shorten {shorter} by {over}: {longest} is longer than the {LONGEST_STATE_MACHINE} that Metaflow keeps"


def deploy(settings, variables, config, to):
    """Create or update a state machine for each flow, and its schedule."""
    logged = ["--log-execution-history"] * bool(variables.get("METAFLOW_SFN_EXECUTION_LOG_GROUP_ARN"))
    for flow in FLOWS:
        environment = os.environ | jobs_role(flow, settings) | {"METAFLOW_DEFAULT_DATASTORE": "s3"}
        if subprocess.run(create(flow, config, to, *logged), env=environment, check=False).returncode:  # noqa: S603
            left = list(FLOWS.values())[list(FLOWS).index(flow) :]
            sys.exit(f"{FLOWS[flow]} could not be deployed, see above; not deployed: {', '.join(left)}")


def show(settings, variables, config, to):
    """Print what would be created, compiled against a stand-in for AWS."""
    from deploy_preview import described, stand_in

    known = NEEDED | {name: value for name, value in variables.items() if value}
    with tempfile.TemporaryDirectory() as folder, stand_in(known, folder) as (environment, clients):
        for flow in FLOWS:
            command, given = create(flow, config, to, "--only-json"), environment | jobs_role(flow, settings)
            done = subprocess.run(command, env=given, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                sys.exit(f"{FLOWS[flow]} does not compile:\n{done.stderr}")
            print(*described(done.stdout, getattr(settings.deployment, f"{flow}_cron"), clients("batch")), "", sep="\n")


def create(flow, config, to, *options):
    """Return the command that compiles one flow."""
    file = Path(__file__).resolve().parent / f"{flow}_flow.py"
    configured = ["--config", "config", str(config.resolve())]
    return [sys.executable, str(file), *configured, *BRANCHES[to], "step-functions", "create", *options]


def jobs_role(flow, settings):
    """Return the variable that gives a flow's jobs a role of their own, where it has one."""
    role = settings.deployment.scoring_role if flow == "score" else ""
    return {JOBS_ROLE: role} if role else {}


if __name__ == "__main__":
    main()
