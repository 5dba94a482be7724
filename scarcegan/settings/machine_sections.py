"""Settings of the machines: what each step asks for on AWS Batch, what that costs, and what starts it there."""

from typing import Annotated

from pydantic import Field

from scarcegan.settings.aws_names import Cron, ProjectName
from scarcegan.settings.section import Positive, Section

Price = Annotated[float, Field(ge=0)]


class StepResources(Section):
    """What a step asks for on AWS Batch."""

    cpu: Positive = 1
    """Virtual CPUs."""
    memory_mb: Annotated[int, Field(ge=512)] = 4_096
    """Memory in MB."""
    queue: str = ""
    """AWS Batch job queue; empty: METAFLOW_BATCH_JOB_QUEUE. `--with batch:queue=...` outweighs it."""
    image: str = ""
    """Container image; empty: METAFLOW_BATCH_CONTAINER_IMAGE. `--with batch:image=...` outweighs it."""


class PreprocessResources(StepResources):
    """What reading and measuring the players asks for on AWS Batch."""

    cpu: Positive = 2
    """Virtual CPUs."""
    memory_mb: Annotated[int, Field(ge=512)] = 16_000
    """Memory in MB."""


class TrainResources(StepResources):
    """What the training of one fold asks for on AWS Batch."""

    gpu: Annotated[int, Field(ge=0, le=8)] = 1
    """GPUs of one fold's training job on AWS Batch; a laptop run needs none."""
    cpu: Positive = 4
    """Virtual CPUs."""
    memory_mb: Annotated[int, Field(ge=512)] = 15_000
    """Memory in MB."""
    queue: str = "scarcegan-gpu"
    """AWS Batch job queue, as config/aws/stack.yaml names it; empty: METAFLOW_BATCH_JOB_QUEUE."""


class Resources(Section):
    """What each step asks for with `--with batch`."""

    small: StepResources = StepResources()
    """start, select, register and end of RetrainFlow; publish of FeaturesFlow; all steps of ScoreFlow."""
    preprocess: PreprocessResources = PreprocessResources()
    """preprocess and evaluate; start and extract of FeaturesFlow."""
    train: TrainResources = TrainResources()
    """train."""


class Prices(Section):
    """What machines cost, for the estimate before a run and the bill after it; put your own prices in."""

    currency: str = "USD"
    """Currency of the prices."""
    vcpu_hour: Price = 0.0333
    """One virtual CPU for an hour."""
    gb_hour: Price = 0.0037
    """One GB of memory for an hour."""
    gpu_hour: Price = 0.334
    """One GPU for an hour, what its instance costs beyond CPUs and memory."""


class Deployment(Section):
    """The flows on AWS Step Functions, and when EventBridge starts each."""

    project: ProjectName = "scarcegan"
    """Name of Metaflow's project, at most 34 of a-z, 0-9, _: state machines are called `<project>.<branch>.<flow>`."""
    features_cron: Cron = ""
    """When FeaturesFlow is started, as EventBridge's cron expression in UTC; empty: by hand or by an event alone."""
    score_cron: Cron = "0 5 ? * MON *"
    """When ScoreFlow is started."""
    retrain_cron: Cron = ""
    """When RetrainFlow is started; empty: by hand, or by ScoreFlow where players drift."""
    scoring_role: str = ""
    """IAM role of ScoreFlow's jobs, output ScoringRoleArn of the stack; empty: METAFLOW_ECS_S3_ACCESS_IAM_ROLE."""


class Notify(Section):
    """Who is told that a release waits or is decided on, a step refused, or players drifted; see docs/runs.md.

    Each is tried three times; that nobody could be told is a warning and stops nothing.
    """

    command: str = ""
    """Shell command that gets the notice as JSON on its standard input; empty: none."""
    webhook: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    """Address that the notice is posted to as JSON; empty: none."""
    topic: Annotated[str, Field(pattern=r"^(arn:.+:sns:.+)?$")] = ""
    """ARN of an SNS topic, output AlarmsTopic of config/aws/stack.yaml; empty: none."""
