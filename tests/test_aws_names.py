"""Names and schedules that AWS would refuse once everything is trained or deployed are refused where they are read."""

import re
from types import SimpleNamespace

import botocore.session
import deploy as deploying
import pytest

from scarcegan.problems import SettingsProblem
from scarcegan.settings import aws_names, load


def refusal(section, key, value):
    with pytest.raises(SettingsProblem) as refused:
        load({section: {key: value}})
    [line] = str(refused.value).splitlines()  # one message
    assert line.startswith(f"{section}.{key}: expected ")
    assert "type " in line
    return line


# The examples of EventBridge's "Cron expressions reference", and one for each wildcard that it lists.
@pytest.mark.parametrize(
    "cron",
    [
        "", "0 10 * * ? *", "15 12 * * ? *", "0 18 ? * MON-FRI *", "0 8 1 * ? *", "0/15 * * * ? *", "*/5 * * * ? *",
        "0/10 * ? * MON-FRI *", "0/5 8-17 ? * MON-FRI *", "0/30 20-2 ? * MON-FRI *", "0 5 ? * 6L *", "0 5 ? * L *",
        "0 5 3W * ? *", "0 5 L * ? *", "0 5 ? * 3#2 *", "0 5 ? * TUE#2 2026-2030", "0,30 5 1,15 JAN,JUL ? 1970/2",
        "0 5 ? * mon *", "0  5 ? * 2 2199",
    ],
)  # fmt: skip
def test_schedules_that_eventbridge_takes_are_kept_as_they_are(cron):
    assert load({"deployment": {"score_cron": cron}}).deployment.score_cron == cron


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("0 5 * * 1", "six fields (minutes, hours, day of month, month, day of week, year), got 5"),
        ("cron(0 5 ? * MON *)", "minutes 'CRON(0' is not 0-59; year '*)' is not 1970-2199"),
        ("rate(1 day)", "six fields (minutes, hours, day of month, month, day of week, year), got 2"),
        ("@daily", "got 1"),
        ("0 5 * * * *", "of day of month and day of week exactly one must be '?'"),
        ("0 5 ? * ? *", "of day of month and day of week exactly one must be '?'"),
        (
            "60 24 32 13 ? 1969",
            "minutes '60' is not 0-59; hours '24' is not 0-23; day of month '32' is not 1-31; month",
        ),
        ("0 5 ? * 0 *", "day of week '0' is not 1-7 or SUN-SAT"),
        ("0 5 ? * 3#1,6#3 *", "day of week '3#1,6#3'"),
        ("0 5 ? * MONDAY *", "day of week 'MONDAY'"),
        ("0/0 5 ? * MON *", "minutes '0/0'"),
        ("0,,5 5 ? * MON *", "minutes '0,,5'"),
        ("1-2-3 5 ? * MON *", "minutes '1-2-3'"),
        ("? 5 ? * MON *", "minutes '?'"),
        ("٣ 5 ? * MON *", "minutes '٣'"),
    ],
)
@pytest.mark.parametrize("flow", ["features", "score", "retrain"])
def test_a_schedule_that_eventbridge_refuses_is_told_with_one_to_type(flow, cron, told):
    line = refusal("deployment", f"{flow}_cron", cron)
    assert told in line
    assert 'type "0 5 ? * MON *" (Mondays at 5)' in line


NAMES = {
    ("registry", "group"): ("CreateModelPackageGroup", "ModelPackageGroupName"),
    ("snapshots", "feature_group"): ("CreateFeatureGroup", "FeatureGroupName"),
}


@pytest.fixture(scope="module")
def sagemaker():
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.mark.parametrize("name", ["a", "risky-players", "a--b", "9", "-a", "a-", "a_b", "a b", "ä", "a\n", "a" * 64])
@pytest.mark.parametrize("key", NAMES)
def test_groups_are_named_as_sagemakers_own_model_says(sagemaker, key, name):
    operation, member = NAMES[key]
    limits = sagemaker.operation_model(operation).input_shape.members[member].metadata
    if re.fullmatch(limits["pattern"], name) and len(name) <= limits["max"]:
        load({key[0]: {key[1]: name}})
    else:
        assert f"at most {limits['max']} letters and digits" in refusal(*key, name)


@pytest.mark.parametrize("key", NAMES)
def test_hyphens_count_for_a_names_length_too(key):
    assert "(66 characters)" in refusal(*key, f"a{'-' * 64}b")


@pytest.mark.parametrize("project", ["Players", "players-eu", "", "p" * 35, "a\n"])
def test_a_project_names_state_machines_that_metaflow_does_not_cut(project):
    assert "<project>.test.staging.FeaturesFlow names a state machine" in refusal("deployment", "project", project)
    load({"deployment": {"project": "p" * 34}})


@pytest.mark.parametrize(
    ("to", "owner", "prefix", "cut"),
    [
        ("prod", "dora", "", False),
        ("staging", "dora", "", False),
        ("staging", "dora", "scarcegan", True),
        ("dev", "d" * 7, "p", False),
        ("dev", "dora.of.the.fraud.team", "p", True),
    ],
)
def test_a_name_that_metaflow_would_cut_is_told_before_anything_is_deployed(to, owner, prefix, cut):
    from metaflow.plugins.aws.step_functions import step_functions_cli as metaflows
    from metaflow.plugins.project_decorator import format_name

    settings = load({"deployment": {"project": "p" * 34}})
    variables = {"METAFLOW_OWNER": owner, "METAFLOW_SFN_STATE_MACHINE_PREFIX": prefix}
    told = list(deploying.too_long(settings, variables, to))
    assert len(told) == cut
    branch = {"staging": "staging"}.get(to)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metaflows, "SFN_STATE_MACHINE_PREFIX", prefix or None)
        patch.setenv("METAFLOW_OWNER", owner)
        name, of = format_name("FeaturesFlow", "p" * 34, to == "prod", branch, owner)
        known = {"project_name": "p" * 34, "project_flow_name": name, "branch_name": of}
        patch.setattr(metaflows, "current", SimpleNamespace(get=known.get, **known))
        deployed, *_ = metaflows.resolve_state_machine_name(SimpleNamespace(), None)
    assert (deployed != name and not deployed.endswith("FeaturesFlow")) is cut
    assert len(deployed) <= aws_names.LONGEST_STATE_MACHINE or cut
