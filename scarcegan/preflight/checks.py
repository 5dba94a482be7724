"""Which checks there are, before a run is launched on AWS Batch and inside its first step."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from scarcegan.aws import account
from scarcegan.aws.capacity import Request, check_queue
from scarcegan.preflight.findings import Finding, Refused, asking_aws, run_checks
from scarcegan.problems import PreflightProblem
from scarcegan.settings import Settings

Check = tuple[str, Callable[[], Finding | str]]
SERVICES = ("s3", "batch", "ec2", "ecr", "iam", "sagemaker")


def before_launch(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Check all that a run on AWS Batch needs, in seconds.

    Args:
        settings: the resolved settings.
        environment: usually `os.environ`; Metaflow's own configuration file counts as well.
    """
    variables = account.metaflow_variables(environment)
    players: list[Check] = [("players", partial(_check_players, settings))]
    [credentials] = run_checks([("credentials", lambda: account.check_credentials(_client("sts")))])
    if credentials.state == "failed":
        return [credentials, *run_checks(players)]
    clients = {name: _client(name) for name in SERVICES}
    checks: list[Check] = [
        ("bucket", partial(account.check_bucket, variables, clients["s3"])),
        *_queue_checks(_sections(settings), variables.get("METAFLOW_BATCH_JOB_QUEUE", ""), clients),
        *_image_checks(settings, variables, clients),
        ("role", partial(account.check_role, variables, clients["iam"])),
        ("registry", partial(account.check_registry, settings, clients["sagemaker"], clients["s3"])),
        ("metadata", partial(account.check_metadata, variables)),
    ]
    return [credentials, *run_checks([*checks, *players])]


def inside_run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Check what a run's first step can still save the others from: the players; in a job, queues and registry too.

    Raises:
        PreflightProblem: naming all that failed.
    """
    checks: list[Check] = [("players", partial(_check_players, settings))]
    if "AWS_BATCH_JOB_ID" in environment:
        clients = {name: _client(name) for name in ("batch", "ec2")}
        # METAFLOW_BATCH_JOB_QUEUE stays with who launched: if no queue is set for small steps, it is this job's.
        named = [one for one in _sections(settings) if one[1].queue or not settings.resources.small.queue]
        checks += _queue_checks(named, environment["AWS_BATCH_JQ_NAME"], clients)
        checks.append(("registry", partial(account.check_kept, settings)))
    _require(checks)


def inside_scoring(settings: Settings, environment: Mapping[str, str]) -> None:
    """Check in a job that all jobs of a scoring share registry, snapshots and scores, and that none has to retrain.

    Raises:
        PreflightProblem: naming all that failed.
    """
    if "AWS_BATCH_JOB_ID" in environment:
        folders = partial(account.check_folders, settings, "snapshots", "scoring")
        retraining = partial(_check_retraining, settings, environment)
        kept = partial(account.check_kept, settings)
        _require([("registry", kept), ("folders", folders), ("retraining", retraining)])


def inside_features(settings: Settings, environment: Mapping[str, str]) -> None:
    """Check in a job that all jobs of a features run share the sorted telemetry and the snapshots.

    Raises:
        PreflightProblem: they would be on a job's own disk.
    """
    if "AWS_BATCH_JOB_ID" in environment:
        _require([("folders", partial(account.check_folders, settings, "snapshots"))])


def _require(checks: list[Check]) -> None:
    failed = [finding for finding in run_checks(checks) if finding.state == "failed"]
    if failed:
        raise PreflightProblem("\n".join(f"{one.what}: {one.found}; {one.advice}" for one in failed))


def _check_retraining(settings: Settings, environment: Mapping[str, str]) -> str:
    """Check that a small job would not have to run all of RetrainFlow in itself."""
    if settings.monitoring.start_retraining and "SFN_STATE_MACHINE" not in environment:
        raise Refused(
            "monitoring.start_retraining is set: expected a flow deployed to Step Functions, or a run without Batch, "
            "got a small job, in which all of RetrainFlow would run",
            "deploy ScoreFlow (docs/deploy.md), or set it to false and run the command that ScoreFlow prints",
        )
    return "RetrainFlow finds its own jobs"


def _check_players(settings: Settings) -> str:
    if settings.data.source not in ("tables", "snapshot"):
        return f"source '{settings.data.source}' comes with the project"
    # pandas and pyarrow take their time to load; each run's first step passes here.
    from scarcegan.preflight.players import check_players

    return check_players(settings)


def _queue_checks(sections: list[tuple[str, Any]], default: str, clients: Mapping[str, Any]) -> Iterator[Check]:
    """Yield a check for each queue and size of step that goes there."""
    for section, asked in sections:
        name = asked.queue or default
        request = Request(section, asked.cpu, asked.memory_mb, getattr(asked, "gpu", 0))
        check = partial(check_queue, name, request, clients["batch"], clients["ec2"])
        yield f"queue {name or '(none)'} for {section}", check


def _image_checks(settings: Settings, variables: Mapping[str, str], clients: Mapping[str, Any]) -> Iterator[Check]:
    default = variables.get("METAFLOW_BATCH_CONTAINER_IMAGE", "")
    for image in dict.fromkeys(asked.image or default for _, asked in _sections(settings)):
        yield "image", partial(account.check_image, image, clients["ecr"])


def _sections(settings: Settings) -> list[tuple[str, Any]]:
    return [(name, getattr(settings.resources, name)) for name in type(settings.resources).model_fields]


def _client(name: str) -> Any:
    import boto3
    from botocore.config import Config

    # An answer that takes longer is an answer too: all checks together end within ten seconds.
    brisk = Config(connect_timeout=3, read_timeout=4, retries={"mode": "standard", "max_attempts": 2})
    with asking_aws("sign in and set AWS_DEFAULT_REGION"):
        return boto3.client(name, config=brisk)
