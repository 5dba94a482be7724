"""The stack templates, as deployed to a stand-in for AWS; linters look at them in `make scan`."""

import json
from pathlib import Path

import boto3
import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "config" / "aws"


def test_the_exported_variables_are_metaflows(stack):
    from metaflow import metaflow_config

    exported = {name.removeprefix("METAFLOW_") for name in stack if name.startswith("METAFLOW_")}
    assert {"DATASTORE_SYSROOT_S3", "BATCH_JOB_QUEUE", "ECS_S3_ACCESS_IAM_ROLE", "SFN_DYNAMO_DB_TABLE"} <= exported
    assert [name for name in exported if not hasattr(metaflow_config, name)] == []


def test_the_bucket_is_encrypted(stack):
    s3, bucket = boto3.client("s3"), stack["The bucket."]
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert stack["METAFLOW_DATASTORE_SYSROOT_S3"] == f"s3://{bucket}/metaflow"


def test_the_bucket_is_versioned_and_lets_nobody_in_from_the_public_or_without_tls(resources):
    # moto deploys none of these.
    assert resources["Bucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    denied, *_ = resources["OnlyWithTls"]["Properties"]["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert set(resources["Bucket"]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


@pytest.mark.parametrize(
    ("queue", "kinds"),
    [
        ("scarcegan-cpu", ["EC2"]),
        ("scarcegan-cpu-spot", ["SPOT", "EC2"]),
        ("scarcegan-gpu", ["SPOT", "EC2"]),
        ("scarcegan-gpu-on-demand", ["EC2"]),
    ],
)
def test_each_queue_takes_spot_instances_first_or_none(stack, queue, kinds):
    batch = boto3.client("batch")
    [found] = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    order = [
        one["computeEnvironment"] for one in sorted(found["computeEnvironmentOrder"], key=lambda one: one["order"])
    ]
    described = [batch.describe_compute_environments(computeEnvironments=[name]) for name in order]
    resources = [one["computeEnvironments"][0]["computeResources"] for one in described]
    assert [one["type"] for one in resources] == kinds
    assert all(one["minvCpus"] == 0 for one in resources)  # nothing is paid while nothing runs
    assert all(one["tags"] == {"project": "scarcegan"} for one in resources)
    nvidia = [one["ec2Configuration"][0]["imageType"].endswith("NVIDIA") for one in resources]
    assert nvidia == ["gpu" in queue] * len(resources)


def test_containers_hear_that_their_spot_instance_goes(stack):
    ec2 = boto3.client("ec2")
    [template] = ec2.describe_launch_template_versions(Versions=["$Default"])["LaunchTemplateVersions"]
    assert template["LaunchTemplateData"]["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}


def test_logs_are_kept_for_a_while_and_no_longer(stack):
    groups = boto3.client("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    assert kept["/aws/batch/job"] == kept["/aws/vendedlogs/states/scarcegan"] == 90


def test_step_functions_counts_foreachs_by_path(stack):
    table = boto3.client("dynamodb").describe_table(TableName=stack["METAFLOW_SFN_DYNAMO_DB_TABLE"])["Table"]
    assert table["KeySchema"] == [{"AttributeName": "pathspec", "KeyType": "HASH"}]


def test_a_second_project_lives_in_the_same_account_with_a_key_and_approvals_of_its_own(stack, deploy):
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:second_ScoreFlow"
    own = {"Project": "second", "BatchLogGroup": "exists", "KmsKeyArn": key, "ScoringStateMachine": machine}
    second = deploy("second", **own)
    encryption = boto3.client("s3").get_bucket_encryption(Bucket=second["The bucket."])
    [rule] = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
    [consumer] = boto3.client("lambda").list_functions()["Functions"]  # the first stack has none
    assert consumer["Environment"]["Variables"] == {"SCORING_STATE_MACHINE": machine}
    assert second["METAFLOW_BATCH_JOB_QUEUE"] == "second-cpu"


def test_what_costs_money_bears_the_projects_tag(resources):
    costly = ("S3::Bucket", "DynamoDB::Table", "ECR::Repository", "Logs::LogGroup", "Batch::JobQueue")
    for name, resource in resources.items():
        if resource["Type"].removeprefix("AWS::") in costly:
            tags = resource["Properties"]["Tags"]
            assert tags in ({"project": {"Ref": "Project"}}, [{"Key": "project", "Value": {"Ref": "Project"}}]), name


@pytest.fixture(scope="module")
def metadata():
    return yaml.safe_load((FOLDER / "metadata.yaml").read_text())["Resources"]


def ways_in(metadata, group):
    rules = metadata[group]["Properties"]["SecurityGroupIngress"]
    return [(rule["FromPort"], rule.get("SourceSecurityGroupId") or rule["CidrIp"]) for rule in rules]


def test_only_the_service_asks_the_metadata_database(metadata):
    database = metadata["Database"]["Properties"]
    assert (database["StorageEncrypted"], database["PubliclyAccessible"]) == (True, False)
    assert database["VPCSecurityGroups"] == [{"Fn::GetAtt": ["DatabaseGroup", "GroupId"]}]
    assert ways_in(metadata, "DatabaseGroup") == [(5432, {"Fn::GetAtt": ["ServiceGroup", "GroupId"]})]


def test_the_clients_addresses_are_checked_where_they_are_seen(metadata):
    # Behind a network load balancer a target of type `ip` sees the balancer's own address.
    assert metadata["Balancer"]["Properties"]["SecurityGroups"] == [{"Fn::GetAtt": ["BalancerGroup", "GroupId"]}]
    assert ways_in(metadata, "BalancerGroup") == [(80, {"Ref": "ClientCidr"})]
    assert ways_in(metadata, "ServiceGroup") == [(8080, {"Fn::GetAtt": ["BalancerGroup", "GroupId"]})]


def test_a_metadata_service_without_its_database_is_replaced(metadata):
    # A new task reads the password that RDS has changed; /ping would answer with the old one.
    assert metadata["Targets"]["Properties"]["HealthCheckPath"] == "/flows"
    assert metadata["Service"]["Properties"]["LoadBalancers"][0]["TargetGroupArn"] == {"Ref": "Targets"}


def test_somebody_is_told_of_failures_and_drift(stack, deploy):
    third = deploy("third", Project="third", BatchLogGroup="exists", NotifyEmail="team@example.org")
    [topic] = [one["TopicArn"] for one in boto3.client("sns").list_topics()["Topics"]]  # the first stack has none
    events = boto3.client("events")
    told_by = events.list_rule_names_by_target(TargetArn=topic)["RuleNames"]
    [pattern] = [json.loads(events.describe_rule(Name=name)["EventPattern"]) for name in told_by]
    assert pattern["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert third["notify.topic in the configuration."] == topic


def test_the_mail_is_subscribed_and_hears_of_approvals_that_start_nothing(resources):
    # moto deploys none of these.
    mail, alarm = (resources[name]["Properties"] for name in ("AlarmsByMail", "ApprovalUnheard"))
    assert mail == {"TopicArn": {"Ref": "Alarms"}, "Protocol": "email", "Endpoint": {"Ref": "NotifyEmail"}}
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": ["UnheardApprovals", "QueueName"]}


def test_an_approval_that_starts_nothing_is_kept(resources):
    [target] = resources["ApprovalRule"]["Properties"]["Targets"]
    kept = {"Fn::GetAtt": ["UnheardApprovals", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": kept}
    assert resources["ApprovalConsumer"]["Properties"]["DeadLetterConfig"] == {"TargetArn": kept}
