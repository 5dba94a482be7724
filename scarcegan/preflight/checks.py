"""Which checks there are, before a run is launched on AWS Batch and inside its first step."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

from scarcegan.aws import account
from scarcegan.aws.capacity import check_gpu_quota, check_queue
from scarcegan.aws.findings import Doubt, Refused, asking_aws
from scarcegan.backends import open_registry
from scarcegan.families.estimators import make_estimator
from scarcegan.machine import BATCH_JOB, BATCH_QUEUE, STATE_MACHINE
from scarcegan.preflight.targets import Check, check_user, shared_places, targets
from scarcegan.problems import DataProblem, Outage, PreflightProblem, Problem
from scarcegan.records import Record
from scarcegan.settings import Registry, Resources, Settings
from scarcegan.settings.estimators import BUILT_IN
from scarcegan.settings.machine_sections import StepResources
from scarcegan.settings.steps import FEATURES_FLOW, RETRAIN_FLOW, SCORE_FLOW, STEPS, ResourceSection, request_of
from scarcegan.storage.keys import secret_key
from scarcegan.storage.s3 import make_client


class Finding(Record):
    """One line of the preflight's report; 'failed' stops the run, a 'warning' is told and does not.

    Without advice, what is `found` says itself what to do.
    """

    what: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


def before_launch(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Check all that a run on AWS Batch needs, in seconds; Metaflow's configuration file counts as well."""
    variables = account.metaflow_variables(environment)
    players = _player_checks(settings)
    # Without credentials all questions to AWS fail alike; the players may lie on this machine.
    [credentials] = run_checks([("credentials", lambda: account.check_credentials(_client("sts")))])
    if credentials.state == "failed":
        return [credentials, *run_checks(players)]
    # Made before the threads start: boto3 does not create clients safely in several at once.
    clients = {name: _client(name) for name in ("s3", "batch", "ec2", "ecr", "iam", "sagemaker", "service-quotas")}
    resources, image = settings.resources, variables.get("METAFLOW_BATCH_CONTAINER_IMAGE", "")
    queue = variables.get("METAFLOW_BATCH_JOB_QUEUE", "")
    # Sections mostly share an image: each image is checked once.
    images = dict.fromkeys(asked.image or image for _, asked in _sections(resources))
    checks: list[Check] = [
        ("user", partial(check_user, {**environment, **variables})),
        ("bucket", partial(account.check_bucket, variables, clients["s3"])),
        *_queue_checks(resources, queue, clients),
        *_quota_checks(settings, queue, clients),
        *(("image", partial(account.check_image, image, clients["ecr"])) for image in images),
        ("role", partial(account.check_role, variables, clients["iam"])),
        ("registry", partial(_check_registry_from_here, settings.registry, clients)),
        ("metadata", partial(account.check_metadata, variables)),
        *_shared_checks(settings, RETRAIN_FLOW),
        *([("id key", partial(_check_key_of_jobs, settings.data.id_key))] if settings.data.id_key else []),
    ]
    return [credentials, *run_checks([*checks, *players])]


def inside_run(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Raise a PreflightProblem for what would fail later in RetrainFlow: players; in a job, queues and registry too.

    What would only be missing, as an estimator that is not installed, is returned as warnings.
    """
    _require_key(settings)
    if BATCH_JOB in environment:
        _require(_shared_checks(settings, RETRAIN_FLOW))
    checks: list[Check] = [
        *_player_checks(settings),
        ("estimators", partial(_check_estimators, settings)),
        *targets(settings, RETRAIN_FLOW, environment),
    ]
    if BATCH_JOB in environment:
        clients = {name: _client(name) for name in ("batch", "ec2")}
        # A job does not get METAFLOW_BATCH_JOB_QUEUE. Without a queue of their own, small steps run in this job's
        # queue, and so do the others; with one, nobody here knows the queue of the others.
        default = "" if settings.resources.small.queue else environment[BATCH_QUEUE]
        checks += _queue_checks(settings.resources, default, clients, unnamed=False)
        # First: a job's own disk can be read and written.
        checks.insert(0, ("registry", partial(account.check_kept, settings.registry)))
    return [_in_words(finding) for finding in _require(checks) if finding.state == "warning"]


def inside_scoring(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raise a PreflightProblem for what would fail later in ScoreFlow: places that cannot be written.

    Also, in a job, for one whose jobs do not share registry and folders, or that retrains.
    """
    _require_key(settings)
    if BATCH_JOB in environment:
        kept = partial(account.check_kept, settings.registry)
        retraining = partial(_check_retraining, settings.monitoring.start_retraining, environment)
        _require([("registry", kept), *_shared_checks(settings, SCORE_FLOW), ("retraining", retraining)])
    _require(targets(settings, SCORE_FLOW, environment))


def inside_features(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raise a PreflightProblem where snapshots cannot be written, or it is not said of which telemetry.

    In a job, also unless all jobs share them.
    """
    _require_key(settings)
    if BATCH_JOB in environment:
        _require(_shared_checks(settings, FEATURES_FLOW))
    _require([("telemetry", partial(_check_telemetry, settings)), *targets(settings, FEATURES_FLOW, environment)])


def run_checks(checks: Sequence[Check], *, in_run: bool = False) -> list[Finding]:
    """Run all checks side by side and return their findings in order.

    Inside a run an Outage is no finding, and raised: a later try may go through.
    """
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda check: _run(check, in_run), checks))


def _run(check: Check, in_run: bool) -> Finding:
    what, ask = check
    try:
        answer = ask()
    except Refused as refused:
        return Finding(what, "failed", *refused.told)
    except Problem as problem:
        if in_run and isinstance(problem, Outage):
            raise
        return Finding(what, "failed", str(problem))  # which says itself what to do
    return Finding(what, "warning", *answer) if isinstance(answer, Doubt) else Finding(what, "ok", answer)


def _require(checks: Sequence[Check]) -> list[Finding]:
    found = run_checks(checks, in_run=True)
    failed = [finding for finding in found if finding.state == "failed"]
    if failed:
        raise PreflightProblem("\n".join(map(_in_words, failed)))
    return found


def _require_key(settings: Settings) -> None:
    """Refuse a key of the ids that is named but not there, before the other checks: they would all tell the same."""
    if settings.data.id_key:
        secret_key(settings.data.id_key)


def _check_key_of_jobs(id_key: str) -> str:
    if id_key.startswith("env:"):
        raise Refused(
            f"data.id_key = '{id_key}' names a variable of this machine, which jobs do not get",
            "keep the key in AWS Secrets Manager and set data.id_key = 'secret:ARN'",
        )
    return "is read by the jobs' roles"


def _in_words(finding: Finding) -> str:
    return f"{finding.what}: {'; '.join(filter(None, (finding.found, finding.advice)))}"


def _check_estimators(settings: Settings) -> Doubt | str:
    """Warn of estimators that cannot be imported or made here: the run goes on without them."""
    missing = []
    for name, estimator in (settings.families | settings.rivals).items():
        try:
            # scikit-learn is always there, and takes seconds.
            name in BUILT_IN or make_estimator(estimator, settings.seed)
        except DataProblem as problem:
            missing.append(str(problem))
    if missing:
        return Doubt("; ".join(missing), "the run goes on without them")
    return "all can be made"


def _check_retraining(wanted: bool, environment: Mapping[str, str]) -> str:
    """Check that a small job would not have to run all of RetrainFlow in itself."""
    if wanted and STATE_MACHINE not in environment:
        raise Refused(
            "monitoring.start_retraining is set: expected a flow deployed to Step Functions, or a run without Batch, "
            "got a small job, in which all of RetrainFlow would run",
            "deploy ScoreFlow (docs/deploy.md), or set it to false and run the command that ScoreFlow prints",
        )
    return "a retraining gets jobs of its own"


def _check_registry_from_here(registry: Registry, clients: Mapping[str, Any]) -> Doubt | str:
    """Check what the launching machine may ask of the registry; who launches need not read or write it."""
    account.check_kept(registry)
    open_registry(registry)  # refuses where no image is known to serve the models
    return account.check_registry(registry, clients["sagemaker"], clients["s3"])


def _check_players(settings: Settings) -> str:
    if settings.data.source not in ("tables", "snapshot"):
        return f"source '{settings.data.source}' comes with the project"
    # pandas and pyarrow take their time to load; each run's first step passes here.
    from scarcegan.preflight.players import check_players

    return check_players(settings)


def _check_telemetry(settings: Settings) -> str:
    """Check that a team with players of its own gets no snapshot of simulated ones."""
    source = settings.data.source
    if not settings.telemetry.path and source not in ("simulated", "snapshot"):
        raise Refused(
            f"expected telemetry in telemetry.path, got none beside data.source = '{source}': simulated players are no "
            "stand-in for others",
            "name the telemetry, in telemetry.path or by --telemetry",
        )
    return settings.telemetry.path or "of simulated players"


def _shared_checks(settings: Settings, flow: str) -> list[Check]:
    places = shared_places(settings, flow)
    return [("places", partial(account.check_shared, places))] if places else []


def _player_checks(settings: Settings) -> list[Check]:
    """Return the checks of what is known of players: themselves, and their attributes if models are measured by any."""
    checks: list[Check] = [("players", partial(_check_players, settings))]
    if settings.evaluate.attributes:
        from scarcegan.data.attributes import check_attributes

        checks.append(("attributes", partial(check_attributes, settings)))
    return checks


def _queue_checks(
    resources: Resources, default: str, clients: Mapping[str, Any], unnamed: bool = True
) -> Iterator[Check]:
    """Yield a check for each section and its queue; with `unnamed`, also where no queue is known."""
    for section, asked in _sections(resources):
        name = asked.queue or default
        if name or unnamed:
            check = partial(check_queue, name, request_of(resources, section), clients["batch"], clients["ec2"])
            yield f"queue {name or '(none)'} for {section}", check


def _quota_checks(settings: Settings, default: str, clients: Mapping[str, Any]) -> Iterator[Check]:
    """Yield the check of EC2's quota where folds train on GPUs, side by side."""
    request = request_of(settings.resources, "train")
    if request.gpu and (name := settings.resources.train.queue or default):
        yield "GPU quota", partial(check_gpu_quota, name, request, settings.folds.k, clients)


def _sections(resources: Resources) -> list[tuple[ResourceSection, StepResources]]:
    return [(name, getattr(resources, name)) for name in dict.fromkeys(STEPS[RETRAIN_FLOW].values())]


def _client(name: str) -> Any:
    # The report is there within ten seconds: AWS gets less time than a run would give it.
    with asking_aws("sign in and set AWS_DEFAULT_REGION"):
        return make_client(name, silence=4, tries=2)
